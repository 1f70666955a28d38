-- Latest price per commodity, with the change within its last bar. One row per commodity that traded in the last day.
-- From the bars, which are live: the newest is at most a second behind the prices.
SELECT
    commodity_code,
    MAX_BY(close_price, window_start)                                       AS price,
    MAX_BY(close_price, window_start) - MAX_BY(open_price, window_start)    AS change_in_bar,
    MAX(window_start)                                                       AS window_start,
    MAX(updated_at)                                                         AS updated_at
FROM commodity_realtime.price_1min_agg
WHERE window_start >= DATE_SUB(NOW(), INTERVAL 1 DAY)
GROUP BY commodity_code
ORDER BY commodity_code;
