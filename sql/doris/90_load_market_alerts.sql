-- load_market_alerts: the topic market-alerts into the table market_alerts, each alert once. Readable within five seconds.
-- A message that does not fit is counted and left out; more than a hundred in two million pause the load, with the reason
-- in its status.
CREATE ROUTINE LOAD commodity_realtime.load_market_alerts ON market_alerts
COLUMNS (
    alert_id, commodity_code, alert_type, direction, severity, price, reference_price, change_pct,
    event_time, event_id, detected_at
)
PROPERTIES (
    "format"              = "json",
    "jsonpaths"           = "[\"$.alert_id\",\"$.commodity_code\",\"$.alert_type\",\"$.direction\",\"$.severity\",\"$.price\",\"$.reference_price\",\"$.change_pct\",\"$.event_time\",\"$.event_id\",\"$.detected_at\"]",
    "max_batch_interval"  = "3",
    "max_batch_rows"      = "200000",
    "max_error_number"    = "100",
    "strict_mode"         = "true"
)
FROM KAFKA (
    "kafka_broker_list"                = "${kafka.bootstrap_servers}",
    "kafka_topic"                      = "market-alerts",
    "property.security.protocol"       = "${kafka.security_protocol}",
    "property.sasl.mechanism"          = "${kafka.sasl_mechanism}",
    "property.sasl.username"           = "doris",
    "property.sasl.password"           = "${kafka.doris_password}",
    "property.ssl.ca.location"         = "${kafka.doris_ca}",
    "property.group.id"                = "doris-market-alerts",
    "property.kafka_default_offsets"   = "OFFSET_BEGINNING"
);
