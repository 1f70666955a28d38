-- timely_prices, late_prices: every enriched price is in one of the two. Late is what comes more than 2 minutes behind the
-- watermark of its reader, which runs 2 seconds behind the newest event time.
CREATE TEMPORARY VIEW dated_prices AS
SELECT
    commodity_code,
    event_id,
    CAST(event_time AS TIMESTAMP(3))  AS event_time,
    price,
    volume,
    source,
    CURRENT_WATERMARK(event_time)     AS watermark_time
FROM enriched_prices;

-- Here, before mini-batches are switched on: their marks travel as watermarks, by the clock of the machine, and
-- CURRENT_WATERMARK behind them would call every price of the past late.
SET 'carbon.operator.watched_prices' = 'shared(dated_prices)';

CREATE TEMPORARY VIEW timely_prices AS
SELECT commodity_code, event_id, event_time, price, volume
FROM watched_prices
WHERE watermark_time IS NULL OR event_time >= watermark_time - INTERVAL '2' MINUTE;

CREATE TEMPORARY VIEW late_prices AS
SELECT commodity_code, event_id, event_time, price, volume, source, watermark_time
FROM watched_prices
WHERE event_time < watermark_time - INTERVAL '2' MINUTE;
