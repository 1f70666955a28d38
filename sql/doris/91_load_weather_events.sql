-- load_weather_events: the topic weather-events into the table weather_events_rt, each observation once.
-- A message that does not fit is counted and left out; more than a hundred in two million pause the load, with the reason
-- in its status.
CREATE ROUTINE LOAD commodity_realtime.load_weather_events ON weather_events_rt
COLUMNS (
    station_id, event_time, temp_max_c, temp_min_c, precipitation_mm, wind_ms, `condition`, source, ingest_time
)
PROPERTIES (
    "format"              = "json",
    "jsonpaths"           = "[\"$.station_id\",\"$.event_time\",\"$.temp_max_c\",\"$.temp_min_c\",\"$.precipitation_mm\",\"$.wind_ms\",\"$.condition\",\"$.source\",\"$.ingest_time\"]",
    "max_batch_interval"  = "3",
    "max_batch_rows"      = "200000",
    "max_error_number"    = "100",
    "strict_mode"         = "true"
)
FROM KAFKA (
    "kafka_broker_list"                = "${kafka.bootstrap_servers}",
    "kafka_topic"                      = "weather-events",
    "property.security.protocol"       = "${kafka.security_protocol}",
    "property.sasl.mechanism"          = "${kafka.sasl_mechanism}",
    "property.sasl.username"           = "doris",
    "property.sasl.password"           = "${kafka.doris_password}",
    "property.ssl.ca.location"         = "${kafka.doris_ca}",
    "property.group.id"                = "doris-weather-events",
    "property.kafka_default_offsets"   = "OFFSET_BEGINNING"
);
