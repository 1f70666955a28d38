-- energy_prices_rt: the Doris table commodity_realtime.energy_prices_rt, one row per commodity, event time and event id; a
-- repeated event id replaces its row. Rows are visible when the checkpoint that wrote them has committed.
-- Loaded in two phases, as lines of JSON; the connector is carbon.flink.doris.
-- The label prefix belongs to one run: a label that was used before refuses the load.
CREATE TEMPORARY TABLE energy_prices_rt (
    commodity_code  STRING          NOT NULL,
    event_time      TIMESTAMP(3)    NOT NULL,
    event_id        STRING          NOT NULL,
    price           DECIMAL(18, 6),
    currency        STRING,
    volume          DECIMAL(18, 6),
    unit            STRING,
    source          STRING,
    as_of           TIMESTAMP(3),
    name            STRING,
    sector          STRING,
    exchange        STRING,
    region          STRING,
    ingest_time     TIMESTAMP(3),
    enriched_at     TIMESTAMP(3)
) WITH (
    'connector'          = 'doris-rows',
    'fenodes'            = '${doris.fenodes}',
    'table.identifier'   = 'commodity_realtime.energy_prices_rt',
    'username'           = 'rt_loader',
    'password'           = '${secret.doris_loader}',
    'sink.label-prefix'  = '${job.group}-prices-${job.run_id}'
);
