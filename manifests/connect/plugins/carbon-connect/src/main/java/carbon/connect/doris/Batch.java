package carbon.connect.doris;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.connect.sink.SinkRecord;

/** Records of one partition that are loaded together, each with its row as JSON. */
final class Batch {
    private final List<SinkRecord> records = new ArrayList<>();
    private final List<byte[]> rows = new ArrayList<>();
    private long bytes;

    void add(SinkRecord record, byte[] row) {
        records.add(record);
        rows.add(row);
        bytes += row.length + 1L;
    }

    int size() {
        return records.size();
    }

    long bytes() {
        return bytes;
    }

    List<SinkRecord> records() {
        return records;
    }

    long first() {
        return records.get(0).originalKafkaOffset();
    }

    long last() {
        return records.get(records.size() - 1).originalKafkaOffset();
    }

    /** One row a line. */
    byte[] body() {
        ByteArrayOutputStream body = new ByteArrayOutputStream((int) bytes);
        for (byte[] row : rows) {
            body.writeBytes(row);
            body.write('\n');
        }
        return body.toByteArray();
    }

    /** The records from one place to another. */
    Batch part(int from, int to) {
        Batch part = new Batch();
        for (int i = from; i < to; i++) {
            part.add(records.get(i), rows.get(i));
        }
        return part;
    }
}
