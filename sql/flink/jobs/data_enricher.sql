-- Data enricher: commodity-prices-raw with what is known of each commodity → commodity-prices-enriched and Doris
-- energy_prices_rt; what is no price → commodity-prices-raw-dlq. A single message passes at once.
EXECUTE STATEMENT SET
BEGIN
    INSERT INTO enriched_prices
    SELECT
        event_id, commodity_code, event_time, price, currency, volume, unit, source, as_of,
        name, sector, exchange, region, ingest_time, enriched_at
    FROM priced_commodities;

    INSERT INTO energy_prices_rt
    SELECT
        commodity_code, event_time, event_id, price, currency, volume, unit, source, as_of,
        name, sector, exchange, region, ingest_time, enriched_at
    FROM priced_commodities;

    INSERT INTO dead_letters
    SELECT
        record_key,
        record_value,
        MAP[
            'reason',           CAST(reason AS BYTES),
            'source_topic',     CAST(record_topic AS BYTES),
            'source_partition', CAST(CAST(record_partition AS STRING) AS BYTES),
            'source_offset',    CAST(CAST(record_offset AS STRING) AS BYTES)
        ]
    FROM parsed_prices
    WHERE reason IS NOT NULL;
END;
