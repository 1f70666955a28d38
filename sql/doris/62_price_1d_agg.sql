-- price_1d_agg: one row per commodity and day, rolled up from the one-minute bars; refreshed every hour.
-- Read by the desk and the charts. vwap is the mean of the minutes weighted by their volume, null when nothing was traded.
-- Only days whose bars changed are computed anew.
CREATE MATERIALIZED VIEW IF NOT EXISTS commodity_realtime.price_1d_agg
BUILD IMMEDIATE REFRESH AUTO ON SCHEDULE EVERY 1 HOUR
DUPLICATE KEY (commodity_code, window_start)
COMMENT 'bars of a day'
PARTITION BY (window_start)
DISTRIBUTED BY HASH (commodity_code) BUCKETS 3
PROPERTIES (
    "replication_num"                     = "${doris.replication_num}"
)
AS
SELECT
    b.commodity_code,
    date_trunc(b.window_start, 'day')  AS window_start,
    days_add(date_trunc(b.window_start, 'day'), 1)  AS window_end,
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
    date_trunc(b.window_start, 'day');
