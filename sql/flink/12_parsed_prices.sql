-- parsed_prices: one row per raw message, with either the fields of a price or, in reason, why it is none.
CREATE TEMPORARY FUNCTION parse_price AS 'carbon.flink.prices.ParsePrice';

CREATE TEMPORARY VIEW parsed_messages AS
SELECT
    r.record_key, r.record_value, r.record_topic, r.record_partition, r.record_offset, r.record_time,
    p.event_id, p.commodity_code, p.event_time, p.price, p.currency, p.volume, p.unit, p.source, p.as_of, p.reason
FROM raw_prices AS r
CROSS JOIN LATERAL TABLE(
    parse_price(r.record_value, r.record_topic, r.record_partition, r.record_offset, r.record_time)
) AS p(event_id, commodity_code, event_time, price, currency, volume, unit, source, as_of, reason);

-- Parsed once for all sinks together.
SET 'carbon.operator.parsed_prices' = 'shared(parsed_messages)';
