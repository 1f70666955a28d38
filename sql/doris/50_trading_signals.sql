-- trading_signals: one row per signal of the signal generator. Illustrative; nobody should trade by it.
-- Read by the signals board.
CREATE TABLE IF NOT EXISTS commodity_realtime.trading_signals (
    signal_id       VARCHAR(256)   NOT NULL  COMMENT 'made of commodity and bar',
    signal_time     DATETIME(3)    NOT NULL  COMMENT 'end of the bar, UTC',
    commodity_code  VARCHAR(32)    NOT NULL  COMMENT 'exchange code',
    `action`        VARCHAR(8)               COMMENT 'BUY, SELL or HOLD',
    strength        DECIMAL(6,4)             COMMENT '0 to 1',
    price           DECIMAL(18,6)            COMMENT 'close of the bar',
    vwap            DECIMAL(18,6)            COMMENT 'of the bar',
    reason          VARCHAR(512)             COMMENT 'in words'
)
UNIQUE KEY (signal_id, signal_time)
COMMENT 'illustrative trading signals'
AUTO PARTITION BY RANGE (date_trunc(signal_time, 'month')) ()
DISTRIBUTED BY HASH (signal_id) BUCKETS 3
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}",
    "enable_unique_key_merge_on_write"    = "true",
    "partition.retention_count"           = "36"
);
