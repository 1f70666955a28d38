package carbon.flink.prices;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PriceParserTest {
    private static final long NOW = Instant.parse("2026-01-15T12:00:00Z").toEpochMilli();

    private final PriceParser parser = new PriceParser();

    private PriceParser.Price parse(String json) throws Rejected {
        return parser.parse(json.getBytes(StandardCharsets.UTF_8), NOW);
    }

    private String reason(String json) {
        return assertThrows(Rejected.class, () -> parse(json)).getMessage();
    }

    @Test
    void theSeedMessageIsComplete() throws Rejected {
        PriceParser.Price price = parse("{\"commodity_code\":\"CL\",\"price\":75.50,\"currency\":\"USD\"}");
        assertEquals("CL", price.code);
        assertEquals(75_500_000L, price.price);
        assertEquals("USD", price.currency);
        assertEquals(1_000_000L, price.volume);
        assertNull(price.eventTime);
        assertNull(price.eventId);
        assertNull(price.asOf);
    }

    @Test
    void everyFieldIsRead() throws Rejected {
        PriceParser.Price price =
                parse(
                        """
                        {"unknown": {"price": 1, "list": [1, {"a": 2}]}, "event_id": "e-1", "commodity_code": "BZ", "price": "-36.98",
                         "volume": 2.5, "unit": "BBL", "source": "EIA", "event_time": "2026-01-15T11:59:59.123Z", "as_of": "2020-04-20"}
                        """);
        assertEquals("e-1", price.eventId);
        assertEquals(-36_980_000L, price.price);
        assertEquals(2_500_000L, price.volume);
        assertEquals("BBL", price.unit);
        assertEquals("EIA", price.source);
        assertEquals(Instant.parse("2026-01-15T11:59:59.123Z").toEpochMilli(), price.eventTime);
        assertEquals(Instant.parse("2020-04-20T00:00:00Z").toEpochMilli(), price.asOf);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "-0.0, 0",
        "0.000001, 1",
        "75, 75000000",
        "75.5, 75500000",
        "1e2, 100000000",
        "1.5E-3, 1500",
        "75.1234565, 75123457",
        "-75.1234565, -75123457",
        "999999999999.999999, 999999999999999999",
        "-999999999999.999999, -999999999999999999",
        "1e-999999999, 0",
        "' 75.5 ', 75500000",
        "00075.5000000000000000000, 75500000",
    })
    void pricesBecomeMillionths(String text, long millionths) throws Rejected {
        assertEquals(millionths, parse("{\"commodity_code\":\"CL\",\"price\":\"" + text + "\"}").price);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1000000000000", "-1000000000000", "999999999999.9999995", "1e999999999", "9e18"})
    void pricesBeyondTheColumnAreRefused(String text) {
        assertEquals("price is out of range", reason("{\"commodity_code\":\"CL\",\"price\":" + text + "}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"NaN", "Infinity", "-Infinity", "\"NaN\"", "\".\"", "\"\"", "\"1,5\"", "\"0x10\"", "\"--1\"", "\"1.2.3\""})
    void whatIsNoFiniteNumberIsRefused(String text) {
        assertEquals("price is not a finite number", reason("{\"commodity_code\":\"CL\",\"price\":" + text + "}"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{\"price\":1}|commodity_code is missing",
                "{\"commodity_code\":null,\"price\":1}|commodity_code is missing",
                "{\"commodity_code\":\"\",\"price\":1}|commodity_code is empty",
                "{\"commodity_code\":\" \",\"price\":1}|commodity_code is empty",
                "{\"commodity_code\":7,\"price\":1}|commodity_code is not a string",
                "{\"commodity_code\":\"C\\u0001L\",\"price\":1}|commodity_code holds control characters",
                "{\"commodity_code\":\"CL\"}|price is missing",
                "{\"commodity_code\":\"CL\",\"price\":null}|price is missing",
                "{\"commodity_code\":\"CL\",\"price\":true}|price is not a number",
                "{\"commodity_code\":\"CL\",\"price\":[1]}|price is not a number",
                "{\"commodity_code\":\"CL\",\"price\":1,\"volume\":-0.5}|volume is negative",
                "{\"commodity_code\":\"CL\",\"price\":1,\"volume\":{}}|volume is not a number",
                "{\"commodity_code\":\"CL\",\"price\":1,\"currency\":\"DOLLARS!!\"}|currency is longer than 8 bytes",
                "{\"commodity_code\":\"CL\",\"price\":1,\"currency\":\"€€€\"}|currency is longer than 8 bytes",
                "{\"commodity_code\":\"CL\",\"price\":1,\"event_time\":\"yesterday\"}|event_time is not an ISO-8601 time",
                "{\"commodity_code\":\"CL\",\"price\":1,\"event_time\":1.5}|event_time is not a string",
                "{\"commodity_code\":\"CL\",\"price\":1,\"event_time\":99999999999999999999}|event_time is out of range",
                "{\"commodity_code\":\"CL\",\"price\":1,\"event_time\":9223372036854775807}|event_time is out of range",
                "{\"commodity_code\":\"CL\",\"price\":1,\"as_of\":\"2020-02-30\"}|as_of is not an ISO-8601 time",
                "[]|not a JSON object",
                "42|not a JSON object",
                "null|not a JSON object",
                "{} {}|more than one JSON value",
                "<script>alert(1)</script>|not JSON at byte 1",
                "{\"commodity_code\":\"CL\",|not JSON at byte 23",
                "|the message is empty",
            })
    void poisonIsNamed(String message, String reason) {
        assertEquals(reason, reason(message == null ? "" : message));
    }

    @Test
    void bytesThatAreNoTextAreRefused() {
        assertThrows(Rejected.class, () -> parser.parse(new byte[] {(byte) 0x00, (byte) 0xff, (byte) 0xfe, 0x12}, NOW));
        assertThrows(Rejected.class, () -> parser.parse(new byte[] {'{', '"', (byte) 0xc3, (byte) 0x28, '"', ':', '1', '}'}, NOW));
        assertThrows(Rejected.class, () -> parser.parse(null, NOW));
    }

    @Test
    void longFieldsAndMessagesAreRefused() {
        String megabyte = "x".repeat(1 << 20);
        assertEquals(
                "the message has 1048613 bytes, more than 65536",
                reason("{\"commodity_code\":\"" + megabyte + "\",\"price\":1}").replaceAll("10486\\d\\d", "1048613"));
        assertEquals("commodity_code is longer than 32 bytes", reason("{\"commodity_code\":\"" + "x".repeat(33) + "\",\"price\":1}"));
        assertEquals("price has more than 64 characters", reason("{\"commodity_code\":\"CL\",\"price\":" + "1".repeat(65) + "}"));
    }

    @Test
    void reasonsNeverRepeatThePayload() {
        assertFalse(reason("{\"commodity_code\":\"CL\",\"price\":\"<script>alert(1)</script>\"}").contains("script"));
    }

    @Test
    void fiveMinutesAheadIsTheLimit() throws Rejected {
        long limit = NOW + 5 * 60_000;
        assertEquals(limit, parse("{\"commodity_code\":\"CL\",\"price\":1,\"event_time\":" + limit + "}").eventTime);
        assertEquals(
                "event_time is more than 5 minutes ahead",
                reason("{\"commodity_code\":\"CL\",\"price\":1,\"event_time\":" + (limit + 1) + "}"));
    }

    @ParameterizedTest
    @CsvSource({
        "2020-04-20, 2020-04-20T00:00:00Z",
        "2020-04-20T18:30, 2020-04-20T18:30:00Z",
        "2020-04-20 18:30:00, 2020-04-20T18:30:00Z",
        "2020-04-20T18:30:00Z, 2020-04-20T18:30:00Z",
        "2020-04-20T18:30:00.5Z, 2020-04-20T18:30:00.500Z",
        "'2020-04-20T18:30:00,123456', 2020-04-20T18:30:00.123Z",
        "2020-04-20T18:30:00.1239999+02:00, 2020-04-20T16:30:00.123Z",
        "2020-04-20T18:30:00-0530, 2020-04-21T00:00:00Z",
        "2020-04-20T18:30:00+02, 2020-04-20T16:30:00Z",
        "1969-12-31T23:59:59.999Z, 1969-12-31T23:59:59.999Z",
    })
    void timesAreUtc(String text, String instant) throws Rejected {
        assertEquals(Instant.parse(instant).toEpochMilli(), Times.parse("t", text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "2020", "2020-04", "2020-4-20", "2020-04-20T", "2020-04-20T24:00", "2020-04-20T18:60", "2020-04-20T18:30:60",
                "2020-04-20T18:30:00.", "2020-04-20T18:30:00Zx", "2020-04-20T18:30:00+", "2021-02-29", "0000-00-00", "20200420", "٢٠٢٠-٠٤-٢٠",
            })
    void otherTextIsNoTime(String text) {
        assertEquals("t is not an ISO-8601 time", assertThrows(Rejected.class, () -> Times.parse("t", text)).getMessage());
    }

    @Test
    void aPriceMayReferToAMonthOrAYear() throws Rejected {
        assertEquals(Instant.parse("2020-04-01T00:00:00Z").toEpochMilli(), Times.parsePeriod("as_of", "2020-04"));
        assertEquals(Instant.parse("2020-01-01T00:00:00Z").toEpochMilli(), Times.parsePeriod("as_of", "2020"));
    }
}
