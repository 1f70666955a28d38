package carbon.connect.common;

import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.errors.DataException;

/**
 * Values of records as JSON for sinks, whether they came with a schema or without.
 *
 * <p>Decimals are plain numbers, dates, times and timestamps are ISO-8601 texts in UTC, bytes are base64.
 */
public final class JsonValues {
    /** Reads and writes decimals as they are: no binary fraction, no exponent. */
    public static final ObjectMapper JSON = JsonMapper.builder()
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN).build();

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private JsonValues() {
    }

    /**
     * A record's value as a JSON object.
     *
     * @throws DataException when it is none, or holds something that JSON has no form for
     */
    public static ObjectNode object(Schema schema, Object value) {
        JsonNode node = node(schema, value);
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new DataException("the value is " + (value == null ? "null" : "a " + value.getClass().getSimpleName()) + ", not an object");
    }

    /** Any value; {@code schema} is null for one without. */
    public static JsonNode node(Schema schema, Object value) {
        if (value == null) {
            return NODES.nullNode();
        }
        if (value instanceof Struct struct) {
            ObjectNode object = NODES.objectNode();
            for (Field field : struct.schema().fields()) {
                object.set(field.name(), node(field.schema(), struct.get(field)));
            }
            return object;
        }
        if (value instanceof Map<?, ?> map) {
            Schema inner = schema == null ? null : schema.valueSchema();
            ObjectNode object = NODES.objectNode();
            map.forEach((key, each) -> object.set(String.valueOf(key), node(inner, each)));
            return object;
        }
        if (value instanceof Iterable<?> list) {
            Schema inner = schema == null ? null : schema.valueSchema();
            ArrayNode array = NODES.arrayNode();
            list.forEach(each -> array.add(node(inner, each)));
            return array;
        }
        return scalar(schema, value);
    }

    private static JsonNode scalar(Schema schema, Object value) {
        if (value instanceof Date date) {
            return NODES.textNode(iso(schema == null ? null : schema.name(), date));
        }
        if (value instanceof Number number) {
            return number(number);
        }
        if (value instanceof Boolean bool) {
            return NODES.booleanNode(bool);
        }
        if (value instanceof String text) {
            return NODES.textNode(text);
        }
        if (value instanceof byte[] bytes) {
            return NODES.textNode(Base64.getEncoder().encodeToString(bytes));
        }
        if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return NODES.textNode(Base64.getEncoder().encodeToString(bytes));
        }
        throw new DataException("JSON has no form for a " + value.getClass().getName());
    }

    private static JsonNode number(Number number) {
        if (number instanceof BigDecimal decimal) {
            return NODES.numberNode(decimal);
        }
        if (number instanceof BigInteger integer) {
            return NODES.numberNode(integer);
        }
        if (number instanceof Double || number instanceof Float) {
            double value = number.doubleValue();
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                throw new DataException("JSON has no form for the number " + value);
            }
            return number instanceof Float single ? NODES.numberNode(single) : NODES.numberNode(value);
        }
        return NODES.numberNode(number.longValue());
    }

    private static String iso(String type, Date date) {
        String text = TIMESTAMP.format(Instant.ofEpochMilli(date.getTime()));
        if (org.apache.kafka.connect.data.Date.LOGICAL_NAME.equals(type)) {
            return text.substring(0, 10);
        }
        return Time.LOGICAL_NAME.equals(type) ? text.substring(11, 23) : text;
    }
}
