-- timely_prices, late_prices: every enriched price is in one of the two. Late is what comes more than 2 minutes behind the
-- watermark of its reader, which runs 2 seconds behind the newest event time.
CREATE TEMPORARY VIEW timely_prices AS
SELECT commodity_code, event_id, event_time, price, volume
FROM enriched_prices
WHERE CURRENT_WATERMARK(event_time) IS NULL OR event_time >= CURRENT_WATERMARK(event_time) - INTERVAL '2' MINUTE;

CREATE TEMPORARY VIEW late_prices AS
SELECT commodity_code, event_id, event_time, price, volume, source, CURRENT_WATERMARK(event_time) AS watermark_time
FROM enriched_prices
WHERE event_time < CURRENT_WATERMARK(event_time) - INTERVAL '2' MINUTE;
