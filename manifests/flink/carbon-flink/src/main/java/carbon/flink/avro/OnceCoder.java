package carbon.flink.avro;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.formats.avro.SchemaCoder;

/**
 * Keeps what another coder has written for a schema.
 *
 * <p>Flink's own asks the registry's client with each record. That one has the answer in a map whose keys are schemas, and to
 * hash and compare these takes longer than to write the record.
 */
final class OnceCoder implements SchemaCoder {
    private final SchemaCoder coder;
    private Schema known;
    private byte[] head;

    OnceCoder(SchemaCoder coder) {
        this.coder = coder;
    }

    @Override
    public Schema readSchema(InputStream in) throws IOException {
        return coder.readSchema(in);
    }

    @Override
    public void writeSchema(Schema schema, OutputStream out) throws IOException {
        if (schema != known) { // a writer has one object for its schema: no comparison of what is in it
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            coder.writeSchema(schema, written);
            head = written.toByteArray();
            known = schema;
        }
        out.write(head);
    }
}
