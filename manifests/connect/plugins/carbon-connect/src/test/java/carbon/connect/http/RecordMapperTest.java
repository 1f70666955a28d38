package carbon.connect.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.Backoff;
import carbon.connect.common.OffsetSpec;
import carbon.connect.common.RecordMapper;
import carbon.connect.common.RetryAfter;
import carbon.connect.common.Row;
import carbon.connect.common.RowProblem;
import carbon.connect.common.TestApi;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.Struct;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Types, missing values, maps, rules, timestamps; and the small parts beside them. */
class RecordMapperTest {
    private final TestApi api = TestApi.open();

    @AfterEach
    void close() {
        api.close();
    }

    private RecordMapper mapper(String fields, String... others) {
        Map<String, String> config = Configs.eia(api, others);
        config.remove(HttpSourceConfig.KEY_FIELD);
        config.remove(HttpSourceConfig.FIELDS + ".commodity_code.map");
        config.put(HttpSourceConfig.FIELDS, fields);
        return HttpSourceConfig.of(config).mapper();
    }

    private static Row row(String json) {
        try {
            return new Row(new ObjectMapper().readTree(json), "KSEA", Instant.parse("2020-04-20T12:00:00Z"), Set.of("."));
        } catch (JsonProcessingException error) {
            throw new AssertionError(error);
        }
    }

    @Test
    void valuesTakeTheirTypes() throws RowProblem {
        Struct value = mapper("a:string:/a;b:long:/b;c:double:/c;d:boolean:/d;e:decimal(2):/e;f:double?:/f;g:string:at {@now} by {@partition}")
            .value(row("{\"a\":\" padded \",\"b\":\"7\",\"c\":\"   5.5\",\"d\":true,\"e\":-36.98,\"f\":\".\"}"));
        assertEquals("padded", value.get("a"));
        assertEquals(7L, value.get("b"));
        assertEquals(5.5, value.get("c"));
        assertEquals(true, value.get("d"));
        assertEquals(new BigDecimal("-36.98"), value.get("e"));
        assertNull(value.get("f"));
        assertEquals("at 2020-04-20 12:00:00.000 by KSEA", value.get("g"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "decimal(2) | 1.234 | more digits", "long | 1.5 | more digits", "double | NaN | not a number", "double | Infinity | not a number",
        "decimal(2) | 1E+999999999 | not a number", "boolean | yes | neither true nor false", "double | 0x10 | not a number",
    })
    void aValueThatDoesNotFitIsAProblemAndNotAMissingOne(String type, String text, String message) {
        RowProblem problem = assertThrows(RowProblem.class, () -> mapper("x:" + type + ":/x").value(row("{\"x\":\"" + text + "\"}")));
        assertTrue(problem.getMessage().contains(message), problem.getMessage());
        assertEquals(false, problem.isMissing());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"WT18\":\"1\",\"WT16\":\"1\",\"PRCP\":\"3.0\"} | snow", "{\"WT16\":\"1\",\"PRCP\":\"0.0\"} | rain", "{\"PRCP\":\"  0.3\"} | rain",
        "{\"PRCP\":\"0.0\"} | sun", "{} | sun",
    })
    void theFirstRuleThatHoldsGivesTheText(String json, String condition) throws RowProblem {
        RecordMapper mapper = mapper("condition:string", HttpSourceConfig.FIELDS + ".condition.rules", "/WT18=snow,/WT16=rain,/PRCP>0=rain,=sun");
        assertEquals(condition, mapper.value(row(json)).get("condition"));
    }

    @ParameterizedTest
    @CsvSource({"1587340800000,1587340800000", "2020-04-20,1587340800000", "2020-04-20T00:00:00,1587340800000", "2020-04-20T02:00:00+02:00,1587340800000"})
    void theTimestampIsEpochMillisecondsOrIso(String text, long expected) throws RowProblem {
        RecordMapper mapper = mapper("x:string:y", HttpSourceConfig.TIMESTAMP_POINTER, "/t");
        assertEquals(expected, mapper.timestamp(row("{\"t\":\"" + text + "\"}")));
        assertThrows(RowProblem.class, () -> mapper.timestamp(row("{\"t\":\"yesterday\"}")));
    }

    @Test
    void numericOffsetsCompareAsNumbers() {
        OffsetSpec spec = OffsetSpec.parse("id=/id", "id=9", "number");
        assertTrue(spec.isAfter("10", "9"));
        assertThrows(IllegalArgumentException.class, () -> OffsetSpec.parse("id=/id", "id=first", "number"));
    }

    @Test
    void theBackOffDoublesToItsLimitWithJitterAndObeysTheServer() {
        Backoff least = new Backoff(100, 1000, 60_000, 5000, () -> 0.0);
        Backoff most = new Backoff(100, 1000, 60_000, -1, () -> 1.0);
        assertEquals(50, least.millis(1, null));
        assertEquals(100, most.millis(1, null));
        assertEquals(400, most.millis(3, null));
        assertEquals(1000, most.millis(400, null));
        assertEquals(7000, least.millis(1, Duration.ofSeconds(7)));
        assertEquals(60_000, least.millis(1, Duration.ofHours(7)));
        assertTrue(least.givesUp(5000) && !least.givesUp(4999) && !most.givesUp(Long.MAX_VALUE));
    }

    @Test
    void retryAfterHasTwoFormsAndAnythingElseIsNone() {
        Instant now = Instant.parse("2020-04-20T12:00:00Z");
        assertEquals(Duration.ofSeconds(120), RetryAfter.parse(" 120 ", now));
        assertEquals(Duration.ofSeconds(30), RetryAfter.parse("Mon, 20 Apr 2020 12:00:30 GMT", now));
        assertEquals(Duration.ZERO, RetryAfter.parse("Mon, 20 Apr 2020 11:00:00 GMT", now));
        assertNull(RetryAfter.parse("soon", now));
    }
}
