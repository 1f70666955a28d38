-- Volume-weighted mean price of each commodity over a time span, from the bars. One row per commodity with volume.
-- params: from_time, to_time (UTC, from inclusive, to exclusive)
SELECT
    commodity_code,
    CAST(SUM(CAST(vwap AS DOUBLE) * CAST(volume AS DOUBLE)) / CAST(SUM(volume) AS DOUBLE) AS DECIMAL(18,6))  AS vwap,
    SUM(volume)                                                                                             AS volume,
    SUM(trade_count)                                                                                        AS trades
FROM commodity_realtime.price_1min_agg
WHERE window_start >= %(from_time)s
  AND window_start <  %(to_time)s
  AND volume > 0
GROUP BY commodity_code
ORDER BY commodity_code;
