package carbon.connect.transforms;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Refuses values that have not the fields which a sink's table needs; all others pass as they are.
 *
 * <p>The worker sends what a transform refuses to the dead letter queue and goes on. A sink that has no way of its own to
 * refuse a record, as the Iceberg sink has none, fails its task instead and stays down, since it reads that record first
 * again.
 */
public final class CheckFields<R extends ConnectRecord<R>> implements Transformation<R>, Versioned {
    static final String FIELDS = "fields";

    private static final ConfigDef DEFINITION = new ConfigDef().define(FIELDS, ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE,
        ConfigDef.Importance.HIGH, "Fields that a value has, as NAME:TYPE separated by semicolons; known types are "
            + Wanted.TYPES + ", each with ? when it may be null or missing. Other fields pass unseen.");

    private List<Wanted> fields = List.of();

    @Override
    public void configure(Map<String, ?> configs) {
        String text = Objects.requireNonNull(DEFINITION.parse(configs).get(FIELDS)).toString();
        try {
            fields = Arrays.stream(text.split(";")).map(String::strip).filter(part -> !part.isEmpty()).map(Wanted::parse).toList();
        } catch (IllegalArgumentException error) {
            throw new ConfigException(FIELDS, text, error.getMessage());
        }
    }

    @Override
    public R apply(R record) {
        Object value = record.value();
        for (Wanted field : fields) {
            field.check(part(value, field.name()));
        }
        return record;
    }

    private static Object part(Object value, String name) {
        if (value instanceof Struct struct) {
            Field field = struct.schema().field(name);
            return field == null ? null : struct.get(field);
        }
        if (value instanceof Map<?, ?> map) {
            return map.get(name);
        }
        throw new DataException("The value has no fields: it is " + (value == null ? "null" : "a " + value.getClass().getSimpleName()));
    }

    @Override
    public ConfigDef config() {
        return DEFINITION;
    }

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public void close() {
        fields = List.of();
    }
}
