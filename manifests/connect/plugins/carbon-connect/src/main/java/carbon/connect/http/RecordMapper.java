package carbon.connect.http;

import com.fasterxml.jackson.core.JsonPointer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;

/** Makes the typed record of a row. */
final class RecordMapper {
    private record Field(FieldType type, FieldSource source) {
    }

    private final Map<String, Field> fields = new LinkedHashMap<>();
    private final FieldSource key;
    private final JsonPointer timestamp;
    private final Schema schema;
    private final Set<String> missing;

    private RecordMapper(HttpSourceConfig config, Map<String, Object> details) {
        Set<String> unused = new HashSet<>(details.keySet());
        for (String text : config.getString(HttpSourceConfig.FIELDS).split(";")) {
            addField(text.strip(), details, unused);
        }
        if (!unused.isEmpty()) {
            throw new IllegalArgumentException(unused + " belongs to no field; write FIELD.map or FIELD.rules");
        }
        key = keySource(config.getString(HttpSourceConfig.KEY_FIELD), config.getString(HttpSourceConfig.KEY_POINTER));
        String pointer = config.getString(HttpSourceConfig.TIMESTAMP_POINTER);
        timestamp = pointer.isEmpty() ? null : Pointers.parse(pointer);
        missing = Set.copyOf(config.getList(HttpSourceConfig.MISSING));
        SchemaBuilder builder = SchemaBuilder.struct();
        String name = config.getString(HttpSourceConfig.SCHEMA_NAME);
        fields.forEach((field, spec) -> builder.field(field, spec.type().schema().build()));
        schema = (name.isEmpty() ? builder : builder.name(name)).build();
    }

    /** Throws IllegalArgumentException when a field is malformed. */
    static RecordMapper parse(HttpSourceConfig config, Map<String, Object> details) {
        return new RecordMapper(config, details);
    }

    private void addField(String text, Map<String, Object> details, Set<String> unused) {
        String[] parts = text.split(":", 3);
        String name = parts[0].strip();
        if (parts.length < 2 || !name.matches("[A-Za-z_][A-Za-z0-9_]*") || fields.containsKey(name)) {
            throw new IllegalArgumentException("'" + text + "' is not name:type:source, or names a field twice");
        }
        Object rules = take(details, unused, name + ".rules");
        Object map = take(details, unused, name + ".map");
        if (rules == null && (parts.length < 3 || parts[2].isBlank())) {
            throw new IllegalArgumentException("field '" + name + "' has neither a source nor rules");
        }
        FieldSource source = rules != null ? FieldSource.rules(rules.toString()) : FieldSource.parse(parts[2].strip());
        fields.put(name, new Field(FieldType.parse(parts[1].strip()), map == null ? source : FieldSource.mapped(source, map.toString())));
    }

    private static Object take(Map<String, Object> details, Set<String> unused, String key) {
        unused.remove(key);
        return details.get(key);
    }

    private FieldSource keySource(String field, String pointer) {
        if (!field.isEmpty() && !pointer.isEmpty()) {
            throw new IllegalArgumentException("give either " + HttpSourceConfig.KEY_FIELD + " or " + HttpSourceConfig.KEY_POINTER);
        }
        if (field.isEmpty()) {
            return pointer.isEmpty() ? null : FieldSource.parse(pointer);
        }
        Field named = fields.get(field);
        if (named == null || !named.type().name().equals("string") || named.type().optional()) {
            throw new IllegalArgumentException(
                HttpSourceConfig.KEY_FIELD + " must name a string field that is not optional, not '" + field + "'");
        }
        return named.source();
    }

    Schema schema() {
        return schema;
    }

    Set<String> missing() {
        return missing;
    }

    /** The record key; null when the records have none. */
    String key(Row row) throws RowProblem {
        if (key == null) {
            return null;
        }
        String text = key.text(row);
        if (text == null) {
            throw RowProblem.missing("no record key");
        }
        return text;
    }

    /** The row's offset. */
    String offset(Row row, OffsetSpec spec) throws RowProblem {
        String text = row.text(spec.pointer());
        if (text == null || !spec.fits(text)) {
            throw RowProblem.wrong("the offset at " + spec.pointer() + " is " + (text == null ? "missing" : "not a number: " + text));
        }
        return text;
    }

    /** The record timestamp in epoch milliseconds; null for the time of sending. */
    Long timestamp(Row row) throws RowProblem {
        String text = timestamp == null ? null : row.text(timestamp);
        if (text == null) {
            return null;
        }
        try {
            if (text.matches("-?\\d{1,18}")) {
                return Long.parseLong(text);
            }
            return (text.length() == 10 ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant() : instant(text)).toEpochMilli();
        } catch (DateTimeException error) {
            throw RowProblem.wrong("the timestamp '" + text + "' is neither epoch milliseconds nor ISO-8601");
        }
    }

    private static Instant instant(String text) {
        boolean zoned = text.matches(".*(Z|[+-]\\d\\d:?\\d\\d)$");
        return OffsetDateTime.parse(zoned ? text : text + "Z").toInstant();
    }

    /** The record value. */
    Struct value(Row row) throws RowProblem {
        Struct value = new Struct(schema);
        for (Map.Entry<String, Field> entry : fields.entrySet()) {
            Field field = entry.getValue();
            String text = field.source().text(row);
            if (text != null) {
                value.put(entry.getKey(), typed(entry.getKey(), field, text));
            } else if (!field.type().optional()) {
                throw RowProblem.missing("no value for " + entry.getKey());
            }
        }
        return value;
    }

    private static Object typed(String name, Field field, String text) throws RowProblem {
        try {
            return field.type().value(text);
        } catch (RowProblem problem) {
            throw RowProblem.wrong(name + ": " + problem.getMessage());
        }
    }
}
