-- weather_events_sink: the same rows as weather_events_rt, brought by the Doris sink connector instead of routine load.
-- Written by the connector doris-weather; read by the runbook that proves the two ways equal. Production keeps one of them.
CREATE TABLE IF NOT EXISTS commodity_realtime.weather_events_sink (
    station_id        VARCHAR(64)    NOT NULL  COMMENT 'of NOAA',
    event_time        DATETIME(3)    NOT NULL  COMMENT 'start of the day, UTC',
    temp_max_c        DECIMAL(6,2)             COMMENT 'degrees Celsius',
    temp_min_c        DECIMAL(6,2)             COMMENT 'degrees Celsius',
    precipitation_mm  DECIMAL(8,2)             COMMENT 'millimetres',
    wind_ms           DECIMAL(6,2)             COMMENT 'mean, metres per second',
    `condition`       VARCHAR(32)              COMMENT 'sun, rain, snow, fog or drizzle',
    source            VARCHAR(128)             COMMENT 'who published it',
    ingest_time       DATETIME(3)              COMMENT 'when the connector read it'
)
UNIQUE KEY (station_id, event_time)
COMMENT 'daily weather by station, by the sink connector'
AUTO PARTITION BY RANGE (date_trunc(event_time, 'year')) ()
DISTRIBUTED BY HASH (station_id) BUCKETS 3
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}",
    "enable_unique_key_merge_on_write"    = "true"
);
