-- How far each node's loader has come, and what its units of a load day add up to: a row for a node and a day.
-- It names machines of the operator, never a device. An empty name is a house of one.
CREATE TABLE IF NOT EXISTS headcount.frontier (
    node {text},
    load_day Date,
    settled Date,
    rows UInt32,
    total Int64,
    checksum Int64
)
ENGINE = ReplacingMergeTree(settled)
ORDER BY (node, load_day)
{durable};
