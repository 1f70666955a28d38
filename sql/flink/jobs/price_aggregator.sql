-- Price aggregator: commodity-prices-enriched → 1-minute bars in Doris price_1min_agg; what is too late →
-- commodity-prices-late.

-- Changes of a bar are gathered for half a second: the open bar is live, and its sink sees a few rows instead of each price.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '500 ms';
SET 'table.exec.mini-batch.size' = '50000';
-- A bar is forgotten a day after its last change, long after the last price that could still correct it.
SET 'table.exec.state.ttl' = '1 d';

EXECUTE STATEMENT SET
BEGIN
    INSERT INTO price_1min_agg
    SELECT
        commodity_code, window_start, window_end, open_price, high_price, low_price, close_price,
        volume, vwap, trade_count, updated_at
    FROM minute_bars;

    INSERT INTO late_topic
    SELECT
        commodity_code,
        event_id,
        DATE_FORMAT(event_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
        price,
        volume,
        source,
        DATE_FORMAT(watermark_time, 'yyyy-MM-dd HH:mm:ss.SSS')
    FROM late_prices;
END;
