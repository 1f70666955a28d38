package carbon.flink.avro;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.formats.avro.SchemaCoder;
import org.junit.jupiter.api.Test;

class OnceCoderTest {
    private static final Schema TEXT = Schema.create(Schema.Type.STRING);
    private static final Schema NUMBER = Schema.create(Schema.Type.LONG);

    /** Writes 0 and the number of times that it was asked; fails while it is away. */
    private static final class Registry implements SchemaCoder {
        private final List<Schema> asked = new ArrayList<>();
        private boolean away;

        @Override
        public Schema readSchema(InputStream in) throws IOException {
            return in.read() == 1 ? TEXT : NUMBER;
        }

        @Override
        public void writeSchema(Schema schema, OutputStream out) throws IOException {
            out.write(0);
            if (away) {
                throw new IOException("away");
            }
            asked.add(schema);
            out.write(asked.size());
        }
    }

    private final Registry registry = new Registry();
    private final OnceCoder coder = new OnceCoder(registry);

    private byte[] head(Schema schema) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        coder.writeSchema(schema, out);
        return out.toByteArray();
    }

    @Test
    void theSchemaIsAskedForOnce() throws IOException {
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(new byte[] {0, 1}, head(TEXT));
        }
        assertEquals(List.of(TEXT), registry.asked);
    }

    @Test
    void anotherSchemaIsAskedForAgain() throws IOException {
        head(TEXT);
        assertArrayEquals(new byte[] {0, 2}, head(NUMBER));
        assertArrayEquals(new byte[] {0, 3}, head(TEXT));
    }

    @Test
    void aFailureIsNotKept() throws IOException {
        registry.away = true;
        assertThrows(IOException.class, () -> head(TEXT));
        registry.away = false;
        assertArrayEquals(new byte[] {0, 1}, head(TEXT));
    }

    @Test
    void readingIsThatOfTheOther() throws IOException {
        assertEquals(TEXT, coder.readSchema(new ByteArrayInputStream(new byte[] {1})));
    }
}
