package carbon.connect.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values with and without schema as JSON. */
class JsonValuesTest {
    private static final Schema PRICE = SchemaBuilder.struct().field("code", Schema.STRING_SCHEMA).field("price", Decimal.schema(6))
        .field("at", Timestamp.SCHEMA).field("day", org.apache.kafka.connect.data.Date.SCHEMA).field("clock", Time.SCHEMA)
        .field("raw", Schema.BYTES_SCHEMA).field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).build())
        .field("unit", Schema.OPTIONAL_STRING_SCHEMA).build();

    private static String text(Schema schema, Object value) throws JsonProcessingException {
        return JsonValues.JSON.writeValueAsString(JsonValues.object(schema, value));
    }

    @Test
    void aStructKeepsItsDigitsAndGivesTimesAsIso() throws JsonProcessingException {
        Struct price = new Struct(PRICE).put("code", "CL").put("price", new BigDecimal("-36.980000")).put("at", new Date(1587340800123L))
            .put("day", new Date(1587340800000L)).put("clock", new Date(3_600_000L)).put("raw", ByteBuffer.wrap(new byte[] {1, 2}))
            .put("tags", List.of("a"));
        assertEquals("{\"code\":\"CL\",\"price\":-36.980000,\"at\":\"2020-04-20T00:00:00.123Z\",\"day\":\"2020-04-20\","
            + "\"clock\":\"01:00:00.000\",\"raw\":\"AQI=\",\"tags\":[\"a\"],\"unit\":null}", text(PRICE, price));
    }

    @Test
    void aMapWithoutSchemaIsAnObject() throws JsonProcessingException {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("price", new BigDecimal("1E+3"));
        map.put("n", 7L);
        map.put("inner", Map.of("x", true));
        map.put("none", null);
        map.put("d", 0.1);
        assertEquals("{\"price\":1000,\"n\":7,\"inner\":{\"x\":true},\"none\":null,\"d\":0.1}", text(null, map));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text", ""})
    void whatIsNoObjectIsRefusedByKind(String value) {
        assertTrue(assertThrows(DataException.class, () -> JsonValues.object(null, value)).getMessage().contains("a String, not an object"));
        assertTrue(assertThrows(DataException.class, () -> JsonValues.object(null, null)).getMessage().contains("is null, not an object"));
    }

    @Test
    void whatJsonHasNoFormForIsRefused() {
        assertThrows(DataException.class, () -> JsonValues.object(null, Map.of("x", Double.NaN)));
        assertThrows(DataException.class, () -> JsonValues.object(null, Map.of("x", new Object())));
    }
}
