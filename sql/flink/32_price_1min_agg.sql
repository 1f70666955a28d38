-- price_1min_agg: the Doris table commodity_realtime.price_1min_agg, one row per commodity and minute; a newer state of a bar
-- replaces the older one.
CREATE TEMPORARY TABLE price_1min_agg (
    commodity_code  STRING        NOT NULL,
    window_start    TIMESTAMP(3)  NOT NULL,
    window_end      TIMESTAMP(3),
    open_price      DECIMAL(18, 6),
    high_price      DECIMAL(18, 6),
    low_price       DECIMAL(18, 6),
    close_price     DECIMAL(18, 6),
    volume          DECIMAL(38, 6),
    vwap            DECIMAL(18, 6),
    trade_count     BIGINT,
    updated_at      TIMESTAMP(3),
    PRIMARY KEY (commodity_code, window_start) NOT ENFORCED
) WITH (
    'connector'                          = 'doris',
    'fenodes'                            = '${doris.fenodes}',
    'table.identifier'                   = 'commodity_realtime.price_1min_agg',
    'username'                           = 'rt_loader',
    'password'                           = '${secret.doris_loader}',
    'sink.enable-2pc'                    = 'true',
    'sink.label-prefix'                  = '${job.group}-bars-${job.run_id}',
    'sink.enable-delete'                 = 'false',
    'sink.properties.format'             = 'json',
    'sink.properties.read_json_by_line'  = 'true'
);
