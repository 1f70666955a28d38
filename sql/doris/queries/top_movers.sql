-- The ten commodities that moved most, in per cent of the open of the span, up or down. One row per commodity.
-- params: from_time, to_time (UTC, from inclusive, to exclusive)
WITH spans AS (
    SELECT
        commodity_code,
        MIN_BY(open_price, window_start)   AS open_price,
        MAX_BY(close_price, window_start)  AS close_price,
        MAX(high_price)                    AS high_price,
        MIN(low_price)                     AS low_price
    FROM commodity_realtime.price_1min_agg
    WHERE window_start >= %(from_time)s
      AND window_start <  %(to_time)s
    GROUP BY commodity_code
)
SELECT
    commodity_code,
    open_price,
    close_price,
    high_price,
    low_price,
    ROUND(CAST(close_price - open_price AS DOUBLE) / ABS(CAST(open_price AS DOUBLE)) * 100, 4)  AS change_pct
FROM spans
WHERE open_price <> 0
ORDER BY ABS(CAST(close_price - open_price AS DOUBLE) / CAST(open_price AS DOUBLE)) DESC, commodity_code
LIMIT 10;
