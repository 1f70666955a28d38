-- price_1min_agg: one row per commodity and minute of event time, the open minute included.
-- Written by the price aggregator, upsert; read by the desk, the roll-ups and the signal generator.
-- open and close follow event time, ties by event_id; vwap is null when nothing was traded.
-- trade_count orders the states of a bar: it only grows, whatever the clocks say, so an older state that arrives again
-- never replaces a newer one.
CREATE TABLE IF NOT EXISTS commodity_realtime.price_1min_agg (
    commodity_code  VARCHAR(32)    NOT NULL  COMMENT 'exchange code, for example CL',
    window_start    DATETIME(3)    NOT NULL  COMMENT 'UTC, inclusive',
    window_end      DATETIME(3)              COMMENT 'UTC, exclusive',
    open_price      DECIMAL(18,6)            COMMENT 'first price of the minute',
    high_price      DECIMAL(18,6)            COMMENT 'highest price',
    low_price       DECIMAL(18,6)            COMMENT 'lowest price',
    close_price     DECIMAL(18,6)            COMMENT 'last price so far',
    volume          DECIMAL(38,6)            COMMENT 'sum of the volumes',
    vwap            DECIMAL(18,6)            COMMENT 'mean price weighted by volume',
    trade_count     BIGINT                   COMMENT 'number of prices',
    updated_at      DATETIME(3)              COMMENT 'when this state of the bar was made'
)
UNIQUE KEY (commodity_code, window_start)
COMMENT 'one-minute bars'
AUTO PARTITION BY RANGE (date_trunc(window_start, 'day')) ()
DISTRIBUTED BY HASH (commodity_code) BUCKETS 6
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}",
    "enable_unique_key_merge_on_write"    = "true",
    "function_column.sequence_col"        = "trade_count",
    "partition.retention_count"           = "1100"
);
