-- pass_through: the yardstick of the job benchmark. One JSON price in, the same JSON price out, exactly-once, nothing else.
CREATE TEMPORARY TABLE prices_in (
    commodity_code  STRING,
    price           DECIMAL(18, 6),
    currency        STRING,
    volume          DECIMAL(18, 6),
    event_time      STRING,
    event_id        STRING,
    source          STRING
) WITH (
    'connector'                     = 'kafka',
    'topic'                         = 'commodity-prices-raw',
    'properties.bootstrap.servers'  = '${kafka.bootstrap_servers}',
    'properties.group.id'           = '${job.group}',
    'properties.isolation.level'    = 'read_committed',
    'scan.startup.mode'             = '${job.start_offsets}',
    'format'                        = 'json'
);

CREATE TEMPORARY TABLE prices_out (
    commodity_code  STRING,
    price           DECIMAL(18, 6),
    currency        STRING,
    volume          DECIMAL(18, 6),
    event_time      STRING,
    event_id        STRING,
    source          STRING
) WITH (
    'connector'                          = 'kafka',
    'topic'                              = 'passed-through',
    'properties.bootstrap.servers'       = '${kafka.bootstrap_servers}',
    'format'                             = 'json',
    'sink.delivery-guarantee'            = 'exactly-once',
    'sink.transactional-id-prefix'       = '${job.group}-passed-${job.run_id}',
    'properties.transaction.timeout.ms'  = '600000',
    'properties.compression.type'        = 'lz4'
);

INSERT INTO prices_out
SELECT commodity_code, price, currency, volume, event_time, event_id, source
FROM prices_in;
