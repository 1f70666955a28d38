package carbon.connect.s3;

import carbon.connect.common.JsonValues;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Names of what is written for one topic partition.
 *
 * @param directory first part of every name
 * @param topic of the partition
 * @param partition its number
 * @param gzip whether objects are compressed
 */
record ObjectNames(String directory, String topic, int partition, boolean gzip) {

    /** An object's name: folder, topic, partition and first offset. */
    String object(String folder, long first) {
        return String.format("%s/%s/%s/%s+%d+%010d.json%s", directory, topic, folder, topic, partition, first, gzip ? ".gz" : "");
    }

    /** Media type of the objects. */
    String type() {
        return gzip ? "application/gzip" : "application/x-ndjson";
    }

    /** Name of the note that says how far the partition is archived. */
    String note() {
        return String.format("%s/_archived/%s+%d.json", directory, topic, partition);
    }

    byte[] noteContent(long next) {
        return String.format("{\"topic\":\"%s\",\"partition\":%d,\"next_offset\":%d}%n", topic, partition, next).getBytes(StandardCharsets.UTF_8);
    }

    /** The offset in a note. */
    long nextOffset(byte[] note) {
        try {
            JsonNode next = JsonValues.JSON.readTree(note).path("next_offset");
            if (next.isIntegralNumber()) {
                return next.longValue();
            }
        } catch (IOException error) {
            throw unreadable(error);
        }
        throw unreadable(null);
    }

    private ConnectException unreadable(IOException cause) {
        return new ConnectException("The object " + note() + " does not say how far the partition is archived. Find the last offset in the "
            + "partition's objects and write {\"next_offset\": N}.", cause);
    }
}
