-- What debug keys sent stays apart from everything else, and goes with its partition after a day.
CREATE TABLE IF NOT EXISTS headcount.debug (
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

-- Where rolled-up sums stay: keyed by the cell alone. n is the sum up to load day `version`, held the sum before it.
CREATE TABLE IF NOT EXISTS headcount.final (
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
    n Int64,
    held Int64,
    version UInt16
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (customer, app, day, measure, label, fact, slot, breakdown, value1, value2, late, partner)
{durable};

-- The load days that are rolled up; the largest one counts.
CREATE TABLE IF NOT EXISTS headcount.watermark (
    load_day Date
)
ENGINE = ReplacingMergeTree
ORDER BY load_day
{durable};
