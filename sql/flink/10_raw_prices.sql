-- raw_prices: one row per message of commodity-prices-raw, as it was sent; nothing is taken for granted about its bytes.
-- Source of the data enricher. Aborted transactions of producers are not read.
CREATE TEMPORARY TABLE raw_prices (
    record_key        BYTES,
    record_value      BYTES,
    record_topic      STRING            NOT NULL  METADATA FROM 'topic' VIRTUAL,
    record_partition  INT               NOT NULL  METADATA FROM 'partition' VIRTUAL,
    record_offset     BIGINT            NOT NULL  METADATA FROM 'offset' VIRTUAL,
    record_time       TIMESTAMP_LTZ(3)  NOT NULL  METADATA FROM 'timestamp' VIRTUAL
) WITH (
    'connector'                           = 'kafka',
    'topic'                               = 'commodity-prices-raw',
    'properties.bootstrap.servers'        = '${kafka.bootstrap_servers}',
    'properties.security.protocol'        = '${kafka.security_protocol}',
    'properties.sasl.mechanism'           = '${kafka.sasl_mechanism}',
    'properties.sasl.jaas.config'         = '${kafka.flink_login}',
    'properties.ssl.truststore.type'      = 'PEM',
    'properties.ssl.truststore.location'  = '${kafka.flink_ca}',
    'properties.group.id'                 = '${job.group}',
    'properties.isolation.level'          = 'read_committed',
    'properties.auto.offset.reset'        = 'earliest',
    'scan.startup.mode'                   = '${job.start_offsets}',
    'scan.startup.timestamp-millis'       = '${job.start_timestamp_ms}',
    'key.format'                          = 'raw',
    'key.fields'                          = 'record_key',
    'value.format'                        = 'raw',
    'value.fields-include'                = 'EXCEPT_KEY'
);
