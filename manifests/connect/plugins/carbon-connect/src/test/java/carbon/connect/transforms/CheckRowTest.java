package carbon.connect.transforms;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be a row of a table, and what cannot. */
class CheckRowTest {
    private static final Schema SCHEMA =
        SchemaBuilder.struct().field("id", Schema.STRING_SCHEMA).field("note", Schema.OPTIONAL_STRING_SCHEMA).build();

    private final CheckRow<SinkRecord> transform = new CheckRow<>();

    private static SinkRecord record(String key, Object value) {
        return new SinkRecord("topic", 0, Schema.OPTIONAL_STRING_SCHEMA, key, null, value, 7);
    }

    @Test
    void aRowAndADeletionWithAKeyPassAsTheyAre() {
        SinkRecord row = record("a", new Struct(SCHEMA).put("id", "a"));
        assertSame(row, transform.apply(row));
        SinkRecord deletion = record("a", null);
        assertSame(deletion, transform.apply(deletion));
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", "  "})
    void aRecordWithoutAKeyIsRefusedWhetherItHasAValueOrNot(String key) {
        assertThrows(DataException.class, () -> transform.apply(record(key, null)));
        DataException refused = assertThrows(DataException.class, () -> transform.apply(record(key, new Struct(SCHEMA).put("id", "a"))));
        assertTrue(refused.getMessage().contains("has no key"));
    }

    @Test
    void aZeroCharacterIsRefusedAndItsFieldNamed() {
        DataException refused =
            assertThrows(DataException.class, () -> transform.apply(record("a", new Struct(SCHEMA).put("id", "a").put("note", "b\0c"))));
        assertEquals("Field note holds a zero character, which PostgreSQL stores in no text", refused.getMessage());
        assertThrows(DataException.class, () -> transform.apply(record("a", Map.of("id", "a\0"))));
        assertThrows(DataException.class, () -> transform.apply(record("a\0", null)));
    }

    @Test
    void theWorkerFindsIt() throws IOException {
        try (InputStream services = CheckRow.class.getResourceAsStream("/META-INF/services/" + Transformation.class.getName())) {
            assertTrue(new String(services.readAllBytes(), StandardCharsets.UTF_8).lines().anyMatch(CheckRow.class.getName()::equals));
        }
    }
}
