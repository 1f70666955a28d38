package carbon.connect.s3;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/**
 * The open objects of one topic partition, by folder, and the writing of them.
 *
 * <p>All of them are written together, a <em>generation</em>: in order of their first offsets, then the note that says which
 * offset comes next. A generation that fails half-way is written again, with the same names.
 */
final class ArchivedPartition {
    private static final byte[] LINE_END = {'\n'};

    private final ObjectNames names;
    private final ObjectStore store;
    private final boolean gzip;
    private final Map<String, OpenObject> open = new LinkedHashMap<>();
    private long next;
    private long bytes;
    private int fullest;
    private long oldestMillis;

    ArchivedPartition(ObjectNames names, ObjectStore store, boolean gzip) {
        this.names = names;
        this.store = store;
        this.gzip = gzip;
    }

    /** Take a record's line in; the folder is that of its time. */
    void add(String folder, long offset, long millis, byte[] line) {
        if (open.isEmpty()) {
            oldestMillis = millis;
        }
        OpenObject object = open.computeIfAbsent(folder, path -> new OpenObject(offset));
        object.lines.writeBytes(line);
        object.lines.writeBytes(LINE_END);
        object.records++;
        fullest = Math.max(fullest, object.records);
        bytes += line.length + 1L;
        next = offset + 1;
    }

    boolean isEmpty() {
        return open.isEmpty();
    }

    /** Records of the object that has most. */
    int fullest() {
        return fullest;
    }

    long bytes() {
        return bytes;
    }

    /** Time of the first record in the generation. */
    long oldestMillis() {
        return oldestMillis;
    }

    /** First offset that waits to be written; only for a partition that is not empty. */
    long waitingFrom() {
        return open.values().iterator().next().first;
    }

    /** Write the generation; nothing of it is forgotten until all of it is there. Gives the number of objects. */
    int write() {
        // Folders stand in the order in which their first records came, so objects are written in order of offsets.
        open.forEach((folder, object) -> store.put(names.object(folder, object.first), packed(object.lines), names.type()));
        store.put(names.note(), names.noteContent(next), "application/json");
        int written = open.size();
        open.clear();
        bytes = 0;
        fullest = 0;
        return written;
    }

    private byte[] packed(ByteArrayOutputStream lines) {
        if (!gzip) {
            return lines.toByteArray();
        }
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream stream = new GZIPOutputStream(packed)) {
            lines.writeTo(stream);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return packed.toByteArray();
    }

    private static final class OpenObject {
        private final long first;
        private final ByteArrayOutputStream lines = new ByteArrayOutputStream();
        private int records;

        OpenObject(long first) {
            this.first = first;
        }
    }
}
