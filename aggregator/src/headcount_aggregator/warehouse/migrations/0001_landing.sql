-- Where units are pushed. A row is (unit, row): pushing it again, in part or late, changes nothing
-- that FINAL reads. The unit stands late in the key: sorted by it first, the table is five times as large.
CREATE TABLE IF NOT EXISTS headcount.landing (
    unit FixedString(16),
    row UInt32,
    load_day Date,
    stream UInt8,
    partner UInt32,
    customer UInt32,
    app UInt32,
    day Date,
    late UInt8,
    measure UInt16,
    label UInt8,
    fact UInt8,
    slot UInt16,
    breakdown UInt8,
    value1 {text},
    value2 {text},
    n Int64
)
ENGINE = ReplacingMergeTree
PARTITION BY load_day
ORDER BY (customer, app, day, measure, label, fact, slot, breakdown, value1, value2, late, stream, unit, row)
{durable};
