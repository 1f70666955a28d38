package carbon.connect.transforms;

import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Refuses what cannot be a row of a PostgreSQL table that is kept by key: a record without a key, and texts with a zero
 * character, which PostgreSQL stores in no text. Deletions, which have no value, pass when they have a key.
 *
 * <p>The JDBC sink has no way of its own to refuse a record. It fails its task for such a text and reads the record first
 * again, and it deletes nothing, without a word, for a deletion that does not say of what.
 */
public final class CheckRow<R extends ConnectRecord<R>> implements Transformation<R>, Versioned {
    @Override
    public void configure(Map<String, ?> configs) {
        // There is nothing to choose.
    }

    @Override
    public R apply(R record) {
        if (record.key() == null || record.key().toString().isBlank()) {
            throw new DataException("The record has no key, so it is no row of a table");
        }
        check("The key", record.key());
        if (record.value() instanceof Struct struct) {
            for (Field field : struct.schema().fields()) {
                check("Field " + field.name(), struct.get(field));
            }
        } else if (record.value() instanceof Map<?, ?> map) {
            map.forEach((name, value) -> check("Field " + name, value));
        }
        return record;
    }

    private static void check(String what, Object value) {
        if (value instanceof String text && text.indexOf('\0') >= 0) {
            throw new DataException(what + " holds a zero character, which PostgreSQL stores in no text");
        }
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
