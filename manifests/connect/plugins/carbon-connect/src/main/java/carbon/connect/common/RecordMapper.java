package carbon.connect.common;

import com.fasterxml.jackson.core.JsonPointer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;

/** Makes the typed record of a row. */
public final class RecordMapper {
    /**
     * What a configuration says about the records.
     *
     * @param fields {@code name:type:source; …}
     * @param details {@code NAME.map} and {@code NAME.rules}
     * @param keyField field that is the record key, may be empty
     * @param keyPointer JSON pointer of the record key instead, may be empty
     * @param timestampPointer JSON pointer of the record timestamp, empty for the time of sending
     * @param missing texts that mean no value
     * @param schemaName may be empty
     */
    public record Spec(String fields, Map<String, Object> details, String keyField, String keyPointer, String timestampPointer,
        Collection<String> missing, String schemaName) {
    }

    private record Field(FieldType type, FieldSource source) {
    }

    private final Map<String, Field> fields = new LinkedHashMap<>();
    private final FieldSource key;
    private final JsonPointer timestamp;
    private final Schema schema;
    private final Set<String> missing;

    private RecordMapper(Spec spec) {
        Set<String> unused = new HashSet<>(spec.details().keySet());
        for (String text : spec.fields().split(";")) {
            addField(text.strip(), spec.details(), unused);
        }
        if (!unused.isEmpty()) {
            throw new IllegalArgumentException(unused + " belongs to no field; write FIELD.map or FIELD.rules");
        }
        key = keySource(spec.keyField(), spec.keyPointer());
        timestamp = spec.timestampPointer().isEmpty() ? null : Pointers.parse(spec.timestampPointer());
        missing = Set.copyOf(spec.missing());
        SchemaBuilder builder = SchemaBuilder.struct();
        fields.forEach((field, each) -> builder.field(field, each.type().schema().build()));
        schema = (spec.schemaName().isEmpty() ? builder : builder.name(spec.schemaName())).build();
    }

    /** Throws IllegalArgumentException when a field is malformed. */
    public static RecordMapper parse(Spec spec) {
        return new RecordMapper(spec);
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
            throw new IllegalArgumentException("give either a key field or a key pointer");
        }
        if (field.isEmpty()) {
            return pointer.isEmpty() ? null : FieldSource.parse(pointer);
        }
        Field named = fields.get(field);
        if (named == null || !named.type().name().equals("string") || named.type().optional()) {
            throw new IllegalArgumentException("the key field must name a string field that is not optional, not '" + field + "'");
        }
        return named.source();
    }

    /** The schema of the records. */
    public Schema schema() {
        return schema;
    }

    /** Texts that mean no value. */
    public Set<String> missing() {
        return missing;
    }

    /** The record key; null when the records have none. */
    public String key(Row row) throws RowProblem {
        if (key == null) {
            return null;
        }
        String text = key.text(row);
        if (text == null) {
            throw RowProblem.missing("no record key");
        }
        return text;
    }

    /** The record timestamp in epoch milliseconds; null for the time of sending. */
    public Long timestamp(Row row) throws RowProblem {
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
    public Struct value(Row row) throws RowProblem {
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
