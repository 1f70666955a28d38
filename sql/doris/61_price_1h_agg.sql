-- price_1h_agg: one row per commodity and hour, rolled up from the one-minute bars; refreshed every five minutes.
-- Read by the desk and the charts. vwap is the mean of the minutes weighted by their volume, null when nothing was traded.
-- trade_day is there to partition by: only days whose bars changed are computed anew.
CREATE MATERIALIZED VIEW IF NOT EXISTS commodity_realtime.price_1h_agg
BUILD IMMEDIATE REFRESH AUTO ON SCHEDULE EVERY 5 MINUTE
DUPLICATE KEY (commodity_code, window_start)
COMMENT 'bars of an hour'
PARTITION BY (trade_day)
DISTRIBUTED BY HASH (commodity_code) BUCKETS 3
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}"
)
AS
SELECT
    b.commodity_code,
    date_trunc(b.window_start, 'hour')  AS window_start,
    date_trunc(b.window_start, 'day')  AS trade_day,
    hours_add(date_trunc(b.window_start, 'hour'), 1)  AS window_end,
    MIN_BY(b.open_price, b.window_start)   AS open_price,
    MAX(b.high_price)                      AS high_price,
    MIN(b.low_price)                       AS low_price,
    MAX_BY(b.close_price, b.window_start)  AS close_price,
    SUM(b.volume)                          AS volume,
    CASE WHEN SUM(b.volume) > 0 THEN
        CAST(SUM(CAST(b.vwap AS DOUBLE) * CAST(b.volume AS DOUBLE)) / CAST(SUM(b.volume) AS DOUBLE) AS DECIMAL(18,6))
    END                                    AS vwap,
    SUM(b.trade_count)                     AS trade_count,
    MAX(b.updated_at)                      AS updated_at
FROM commodity_realtime.price_1min_agg AS b
GROUP BY
    b.commodity_code,
    date_trunc(b.window_start, 'hour'),
    date_trunc(b.window_start, 'day');
