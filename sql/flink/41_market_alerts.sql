-- market_alerts: the topic market-alerts, one row per alert. Times as 'YYYY-MM-DD HH:MM:SS.mmm' UTC; change_pct is null when
-- the reference is zero.
CREATE TEMPORARY TABLE market_alerts (
    alert_id         STRING          NOT NULL,
    commodity_code   STRING          NOT NULL,
    alert_type       STRING          NOT NULL,
    direction        STRING          NOT NULL,
    severity         STRING          NOT NULL,
    price            DECIMAL(18, 6)  NOT NULL,
    reference_price  DECIMAL(18, 6)  NOT NULL,
    change_pct       DECIMAL(38, 6),
    event_time       STRING          NOT NULL,
    event_id         STRING          NOT NULL,
    detected_at      STRING          NOT NULL
) WITH (
    'connector'                                 = 'kafka',
    'topic'                                     = 'market-alerts',
    'properties.bootstrap.servers'              = '${kafka.bootstrap_servers}',
    'properties.security.protocol'              = '${kafka.security_protocol}',
    'properties.sasl.mechanism'                 = '${kafka.sasl_mechanism}',
    'properties.sasl.jaas.config'               = '${kafka.flink_login}',
    'properties.ssl.truststore.type'            = 'PEM',
    'properties.ssl.truststore.location'        = '${kafka.flink_ca}',
    'key.format'                                = 'raw',
    'key.fields'                                = 'commodity_code',
    'value.format'                              = 'json',
    'value.json.encode.decimal-as-plain-number' = 'true',
    'sink.parallelism'                          = '1',
    'sink.delivery-guarantee'                   = 'exactly-once',
    'sink.transactional-id-prefix'              = '${job.group}-alerts-${job.run_id}',
    'properties.transaction.timeout.ms'         = '600000',
    'properties.compression.type'               = 'lz4'
);
