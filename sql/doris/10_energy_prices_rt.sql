-- energy_prices_rt: one row per price event; a repeated event id stays one row, and the audit names it.
-- Written by the data enricher; read by the audit, the desk and the VWAP of a span. Times are UTC.
-- Partitions come with the rows (AUTO), so a price that arrives hours late has a place; of past days
-- that have prices the last 400 are kept.
CREATE TABLE IF NOT EXISTS commodity_realtime.energy_prices_rt (
    commodity_code  VARCHAR(32)    NOT NULL  COMMENT 'exchange code, for example CL',
    event_time      DATETIME(3)    NOT NULL  COMMENT 'when the price became known',
    event_id        VARCHAR(256)   NOT NULL  COMMENT 'given by the source, or topic-partition-offset',
    price           DECIMAL(18,6)            COMMENT 'in currency per unit; may be zero or negative',
    currency        VARCHAR(16)              COMMENT 'ISO 4217',
    volume          DECIMAL(18,6)            COMMENT 'traded quantity, 1 where the source gives none',
    unit            VARCHAR(64)              COMMENT 'what one is, for example barrel',
    source          VARCHAR(128)             COMMENT 'who published it',
    as_of           DATETIME(3)              COMMENT 'what the price refers to, for slow series',
    name            VARCHAR(256)             COMMENT 'of the commodity, from the dimension',
    sector          VARCHAR(128)             COMMENT 'from the dimension',
    exchange        VARCHAR(128)             COMMENT 'from the dimension',
    region          VARCHAR(128)             COMMENT 'from the dimension',
    ingest_time     DATETIME(3)              COMMENT 'timestamp of the raw record',
    enriched_at     DATETIME(3)              COMMENT 'when the enricher saw it'
)
UNIQUE KEY (commodity_code, event_time, event_id)
COMMENT 'enriched prices, one row per event'
AUTO PARTITION BY RANGE (date_trunc(event_time, 'day')) ()
DISTRIBUTED BY HASH (commodity_code) BUCKETS 12
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}",
    "enable_unique_key_merge_on_write"    = "true",
    "partition.retention_count"           = "400"
);
