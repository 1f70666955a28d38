-- minute_bars: one row per commodity and minute of event time, the open minute included, sent anew whenever it changes.
-- open_price and close_price are those of the first and the last price by event time, ties by event id, so any order of
-- arrival gives the same bar. first_price and last_price hold "time, event id, price" as one text whose order is that order:
-- the time has a fixed width, and the character after the id is below every character of an id. vwap is exact and
-- then rounded to six decimals, null without volume.
-- A record that was sent twice counts twice here; energy_prices_rt shows it once, and the audit names it.
CREATE TEMPORARY VIEW minute_bars AS
WITH ordered AS (
    SELECT
        commodity_code,
        FLOOR(event_time TO MINUTE)  AS window_start,
        price,
        volume,
        DATE_FORMAT(event_time, 'ss.SSS') || event_id || U&'\0001' || CAST(price AS STRING)  AS ordered_price
    FROM timely_prices
),
bars AS (
    SELECT
        commodity_code,
        window_start,
        MIN(ordered_price)   AS first_price,
        MAX(price)           AS high_price,
        MIN(price)           AS low_price,
        MAX(ordered_price)   AS last_price,
        SUM(volume)          AS volume,
        SUM(price * volume)  AS turnover,
        COUNT(*)             AS trade_count
    FROM ordered
    GROUP BY commodity_code, window_start
)
SELECT
    commodity_code,
    window_start,
    window_start + INTERVAL '1' MINUTE                                    AS window_end,
    CAST(SPLIT_INDEX(first_price, U&'\0001', 1) AS DECIMAL(18, 6))        AS open_price,
    high_price,
    low_price,
    CAST(SPLIT_INDEX(last_price, U&'\0001', 1) AS DECIMAL(18, 6))         AS close_price,
    volume,
    CASE WHEN volume > 0 THEN CAST(turnover / volume AS DECIMAL(18, 6)) END  AS vwap,
    trade_count,
    CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))                               AS updated_at
FROM bars;
