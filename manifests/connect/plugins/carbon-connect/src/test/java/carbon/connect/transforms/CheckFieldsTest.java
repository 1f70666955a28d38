package carbon.connect.transforms;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What passes, what is refused, and that the reason names the field. */
class CheckFieldsTest {
    private static final String FIELDS = "id:string; at:timestamp; price:decimal(18,6); size:long?; rate: double?; gone:boolean?";

    private static CheckFields<SinkRecord> checked(String fields) {
        CheckFields<SinkRecord> transform = new CheckFields<>();
        transform.configure(Map.of(CheckFields.FIELDS, fields));
        return transform;
    }

    private static SinkRecord record(Object value) {
        return new SinkRecord("topic", 0, null, "key", null, value, 7);
    }

    private static Map<String, Object> good() {
        return new HashMap<>(Map.of("id", "a", "at", new Date(0), "price", new BigDecimal("-36.980000"), "size", 3, "rate", 0.5, "gone", false));
    }

    @Test
    void aStructThatHasTheFieldsPassesAsItIs() {
        Schema schema = SchemaBuilder.struct().field("id", Schema.STRING_SCHEMA).field("at", Timestamp.SCHEMA).field("price", Decimal.schema(6))
            .field("size", Schema.OPTIONAL_INT64_SCHEMA).field("note", Schema.OPTIONAL_STRING_SCHEMA).build();
        SinkRecord record = record(new Struct(schema).put("id", "a").put("at", new Date(0)).put("price", new BigDecimal("1.000000")));
        assertSame(record, checked(FIELDS).apply(record));
    }

    @Test
    void aMapWithoutSchemaPassesToo() {
        SinkRecord record = record(good());
        assertSame(record, checked(FIELDS).apply(record));
    }

    static Stream<Arguments> wrong() {
        return Stream.of(
            Arguments.of("id", null, "Field id is missing"),
            Arguments.of("id", 7, "Field id is Integer '7' and not a string"),
            Arguments.of("at", 12L, "not a timestamp"),
            Arguments.of("at", "yesterday", "not a timestamp"),
            Arguments.of("price", "abc", "Field price is String 'abc' and not a decimal(18,6)"),
            Arguments.of("price", new BigDecimal("1.0000001"), "not a decimal(18,6)"),
            Arguments.of("price", new BigDecimal("1234567890123.5"), "not a decimal(18,6)"),
            Arguments.of("price", new BigDecimal("1E+2000000000"), "not a decimal(18,6)"),
            Arguments.of("size", "three", "not a long"),
            Arguments.of("rate", Double.NaN, "not a double"),
            Arguments.of("gone", "true", "not a boolean"));
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void aFieldOfAnotherKindIsRefusedWithItsName(String field, Object value, String reason) {
        Map<String, Object> bad = good();
        bad.put(field, value);
        DataException refused = assertThrows(DataException.class, () -> checked(FIELDS).apply(record(bad)));
        assertTrue(refused.getMessage().contains(reason), refused.getMessage());
    }

    @Test
    void timesMayBeTextAndDecimalsMayHaveFewerDigits() {
        Map<String, Object> value = good();
        value.put("at", "2026-11-21T10:00:00.123456Z");
        value.put("price", new BigDecimal("123456789012"));
        checked(FIELDS).apply(record(value));
        value.put("price", new BigDecimal("1E+11"));
        checked(FIELDS).apply(record(value));
    }

    @Test
    void aTextHasNoMoreBytesThanAllowed() {
        Map<String, Object> value = good();
        value.put("id", "8 bytes…");
        checked("id:string(10)").apply(record(value));
        String refused = assertThrows(DataException.class, () -> checked("id:string(9)").apply(record(value))).getMessage();
        assertEquals("Field id is String '8 bytes…' and not a string(9)", refused);
        value.put("id", 7);
        assertThrows(DataException.class, () -> checked("id:string(9)?").apply(record(value)));
        value.remove("id");
        checked("id:string(9)?").apply(record(value));
    }

    @Test
    void aValueWithoutFieldsIsRefused() {
        assertEquals("The value has no fields: it is null", assertThrows(DataException.class, () -> checked(FIELDS).apply(record(null))).getMessage());
        assertThrows(DataException.class, () -> checked(FIELDS).apply(record("text")));
    }

    @Test
    void aLongValueIsShownInPart() {
        Map<String, Object> value = good();
        value.put("price", "x".repeat(100_000));
        assertTrue(assertThrows(DataException.class, () -> checked(FIELDS).apply(record(value))).getMessage().length() < 120);
    }

    @ParameterizedTest
    @ValueSource(strings = {"id", "id:text", "price:decimal", "price:decimal(6)", ":string", "id:string(0)", "id:string(-1)", "id:string()"})
    void aDeclarationWithoutSenseIsRefusedAtOnce(String fields) {
        assertThrows(ConfigException.class, () -> checked(fields));
    }

    @Test
    void theWorkerFindsItByItsService() throws IOException {
        try (InputStream names = getClass().getResourceAsStream("/META-INF/services/" + Transformation.class.getName())) {
            assertTrue(new String(names.readAllBytes(), StandardCharsets.UTF_8).lines().toList().contains(CheckFields.class.getName()));
        }
    }
}
