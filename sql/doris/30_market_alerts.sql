-- market_alerts: one row per alert of the anomaly detector; an alert that is replayed has the same id and stays one row.
-- Written by the routine load of the topic market-alerts; read by the desk and the alert heatmap. Times are UTC.
CREATE TABLE IF NOT EXISTS commodity_realtime.market_alerts (
    alert_id         VARCHAR(512)   NOT NULL  COMMENT 'made of commodity, direction, severity and event id',
    event_time       DATETIME(3)    NOT NULL  COMMENT 'of the price that set it off',
    commodity_code   VARCHAR(32)    NOT NULL  COMMENT 'exchange code',
    alert_type       VARCHAR(32)              COMMENT 'PRICE_CHANGE or ZERO_REFERENCE',
    direction        VARCHAR(8)               COMMENT 'UP or DOWN',
    severity         VARCHAR(16)              COMMENT 'MEDIUM > 5 %, HIGH > 10 %, CRITICAL > 20 %',
    price            DECIMAL(18,6)            COMMENT 'that set it off',
    reference_price  DECIMAL(18,6)            COMMENT 'it is compared with, at most 60 s older',
    change_pct       DECIMAL(38,6)            COMMENT 'in per cent of the reference; null when that is zero',
    event_id         VARCHAR(256)             COMMENT 'of the price',
    detected_at      DATETIME(3)              COMMENT 'when the detector saw it'
)
UNIQUE KEY (alert_id, event_time)
COMMENT 'alerts on price changes'
AUTO PARTITION BY RANGE (date_trunc(event_time, 'month')) ()
DISTRIBUTED BY HASH (alert_id) BUCKETS 3
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}",
    "enable_unique_key_merge_on_write"    = "true",
    "partition.retention_count"           = "36"
);
