-- priced_commodities: one row per valid price, with what is known of its commodity at the moment it passes; null metadata
-- where the commodity is unknown. Currency and unit are the message's own, else the commodity's. ingest_time: when the raw
-- topic took the message; enriched_at: when it passed here.
CREATE TEMPORARY VIEW looked_up_prices AS
WITH valid_prices AS (
    SELECT *, PROCTIME() AS processed_at
    FROM parsed_prices
    WHERE reason IS NULL
)
SELECT
    p.event_id,
    p.commodity_code,
    p.event_time,
    p.price,
    COALESCE(p.currency, c.currency)                     AS currency,
    p.volume,
    COALESCE(p.unit, c.unit)                             AS unit,
    p.source,
    p.as_of,
    c.name,
    c.sector,
    c.exchange,
    c.region,
    CAST(p.record_time AS TIMESTAMP(3))                  AS ingest_time,
    CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))              AS enriched_at
FROM valid_prices AS p
LEFT JOIN commodities FOR SYSTEM_TIME AS OF p.processed_at AS c
    ON p.commodity_code = c.commodity_code;

-- Looked up once for both sinks, which so see the same row.
SET 'carbon.operator.priced_commodities' = 'shared(looked_up_prices)';
