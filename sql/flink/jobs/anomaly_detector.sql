-- Anomaly detector: commodity-prices-enriched → market-alerts.
INSERT INTO market_alerts
SELECT
    alert_id, commodity_code, alert_type, direction, severity, price, reference_price, change_pct,
    DATE_FORMAT(event_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    event_id,
    DATE_FORMAT(detected_at, 'yyyy-MM-dd HH:mm:ss.SSS')
FROM alerts;
