-- late_topic: the topic commodity-prices-late, one row per price that came too late for its bar. Times as
-- 'YYYY-MM-DD HH:MM:SS.mmm' UTC.
CREATE TEMPORARY TABLE late_topic (
    commodity_code  STRING          NOT NULL,
    event_id        STRING          NOT NULL,
    event_time      STRING          NOT NULL,
    price           DECIMAL(18, 6)  NOT NULL,
    volume          DECIMAL(18, 6)  NOT NULL,
    source          STRING,
    watermark_time  STRING          NOT NULL
) WITH (
    'connector'                                 = 'kafka',
    'topic'                                     = 'commodity-prices-late',
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
    'sink.transactional-id-prefix'              = '${job.group}-late-${job.run_id}',
    'properties.transaction.timeout.ms'         = '600000',
    'properties.compression.type'               = 'lz4'
);
