-- alerts: one row per alert of the detector, a keyed operator over the enriched prices in the order of their partition (its
-- rules: manifests/flink/carbon-flink, carbon.flink.anomaly.AnomalyDetector). No watermark is waited for.
CREATE TEMPORARY VIEW compared_prices AS
SELECT commodity_code, CAST(event_time AS TIMESTAMP(3)) AS event_time, event_id, price
FROM enriched_prices;

SET 'carbon.operator.alerts' = 'anomaly-detector(compared_prices)';
