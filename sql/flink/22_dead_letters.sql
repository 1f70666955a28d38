-- dead_letters: the topic commodity-prices-raw-dlq, one row per raw message that is no price: key and bytes as they came,
-- why and whence in the headers reason, source_topic, source_partition, source_offset (text, UTF-8).
-- A message may be as large as the raw topic takes, and was perhaps compressed better there: the limits of this producer and
-- its topic are wider, since a dead letter that cannot be written would stop the job.
CREATE TEMPORARY TABLE dead_letters (
    record_key    BYTES,
    record_value  BYTES,
    headers       MAP<STRING NOT NULL, BYTES>  METADATA
) WITH (
    'connector'                           = 'kafka',
    'topic'                               = 'commodity-prices-raw-dlq',
    'properties.bootstrap.servers'        = '${kafka.bootstrap_servers}',
    'properties.security.protocol'        = '${kafka.security_protocol}',
    'properties.sasl.mechanism'           = '${kafka.sasl_mechanism}',
    'properties.sasl.jaas.config'         = '${kafka.flink_login}',
    'properties.ssl.truststore.type'      = 'PEM',
    'properties.ssl.truststore.location'  = '${kafka.flink_ca}',
    'key.format'                          = 'raw',
    'key.fields'                          = 'record_key',
    'value.format'                        = 'raw',
    'value.fields-include'                = 'EXCEPT_KEY',
    'sink.parallelism'                    = '1',
    'sink.delivery-guarantee'             = 'exactly-once',
    'sink.transactional-id-prefix'        = '${job.group}-dlq-${job.run_id}',
    'properties.transaction.timeout.ms'   = '600000',
    'properties.compression.type'         = 'lz4',
    'properties.max.request.size'         = '33554432'
);
