-- Alerts by hour and commodity over a time span, with the worst severity. One row per hour and commodity that had any.
-- params: from_time, to_time (UTC, from inclusive, to exclusive)
SELECT
    date_trunc(event_time, 'hour')                                     AS alert_hour,
    commodity_code,
    COUNT(*)                                                           AS alerts,
    SUM(IF(severity = 'CRITICAL', 1, 0))                               AS critical,
    MAX(CASE severity WHEN 'CRITICAL' THEN 3 WHEN 'HIGH' THEN 2 ELSE 1 END)  AS worst
FROM commodity_realtime.market_alerts
WHERE event_time >= %(from_time)s
  AND event_time <  %(to_time)s
GROUP BY date_trunc(event_time, 'hour'), commodity_code
ORDER BY alert_hour, commodity_code;
