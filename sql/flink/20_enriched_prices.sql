-- enriched_prices: the topic commodity-prices-enriched, one row per valid raw message. Sink of the data enricher, source of
-- the aggregator and the detector. The Avro schema that Flink derives from these columns is declared in
-- manifests/kafka/schemas/commodity-prices-enriched.avsc; a test keeps the two equal.
-- Each checkpoint ends a transaction and opens one under the next id; the prefix belongs to one run of one job, since two
-- writers with one prefix would fence each other off.
CREATE TEMPORARY TABLE enriched_prices (
    event_id        STRING          NOT NULL,
    commodity_code  STRING          NOT NULL,
    event_time      TIMESTAMP(3)    NOT NULL,
    price           DECIMAL(18, 6)  NOT NULL,
    currency        STRING,
    volume          DECIMAL(18, 6)  NOT NULL,
    unit            STRING,
    source          STRING,
    as_of           TIMESTAMP(3),
    name            STRING,
    sector          STRING,
    exchange        STRING,
    region          STRING,
    ingest_time     TIMESTAMP(3)    NOT NULL,
    enriched_at     TIMESTAMP(3)    NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '2' SECOND
) WITH (
    'connector'                           = 'kafka',
    'topic'                               = 'commodity-prices-enriched',
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
    'key.fields'                          = 'commodity_code',
    'value.format'                        = 'avro-registry',
    'value.avro-registry.url'             = '${registry.url}',
    'value.avro-registry.subject'         = 'commodity-prices-enriched-value',
    'value.fields-include'                = 'ALL',
    'sink.delivery-guarantee'             = 'exactly-once',
    'sink.transactional-id-prefix'        = '${job.group}-enriched-${job.run_id}',
    'properties.transaction.timeout.ms'   = '600000',
    'properties.compression.type'         = 'lz4',
    -- Nobody reads a price before its checkpoint has committed it, and a checkpoint sends at once what still waits: fuller
    -- batches are cheaper here and arrive no later.
    'properties.linger.ms'                = '100',
    'properties.batch.size'               = '131072'
);
