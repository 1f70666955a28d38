-- The newest signal of each commodity over a time span, strongest first. One row per commodity.
-- params: from_time, to_time (UTC, from inclusive, to exclusive)
WITH ranked AS (
    SELECT
        commodity_code,
        signal_time,
        `action`,
        strength,
        price,
        vwap,
        reason,
        ROW_NUMBER() OVER (PARTITION BY commodity_code ORDER BY signal_time DESC, signal_id DESC)  AS place
    FROM commodity_realtime.trading_signals
    WHERE signal_time >= %(from_time)s
      AND signal_time <  %(to_time)s
)
SELECT commodity_code, signal_time, `action`, strength, price, vwap, reason
FROM ranked
WHERE place = 1
ORDER BY strength DESC, commodity_code;
