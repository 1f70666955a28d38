package carbon.connect.http;

import carbon.connect.common.OffsetSpec;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * How far one source partition has come: the newest offset emitted for each record key.
 *
 * <p>One mark for all keys would lose rows: of two series that share a period, the second may be published later. Stored as
 * {@code {NAME: oldest mark, "key:K": mark of K, …}}, flat, because Connect stores primitive values only.
 */
final class Cursors {
    /** More keys than this in one source partition would make every stored offset too large. */
    static final int MAX_KEYS = 1000;

    private static final String KEY_PREFIX = "key:";

    private final OffsetSpec spec;
    private final Map<String, String> marks = new TreeMap<>();

    private Cursors(OffsetSpec spec) {
        this.spec = spec;
    }

    /**
     * The cursors of a stored offset; fresh ones for null.
     *
     * @throws ConnectException when the offset is not one of this connector's
     */
    static Cursors restore(OffsetSpec spec, Map<String, ?> stored) {
        Cursors cursors = new Cursors(spec);
        if (stored == null) {
            return cursors;
        }
        stored.forEach((name, value) -> {
            boolean known = name.equals(spec.name()) || name.startsWith(KEY_PREFIX);
            if (!known || !(value instanceof String text) || !spec.fits(text)) {
                throw new ConnectException("The stored offset has " + name + "=" + value
                    + ", which this connector did not write: reset its offsets");
            }
            if (name.startsWith(KEY_PREFIX)) {
                cursors.marks.put(name.substring(KEY_PREFIX.length()), text);
            }
        });
        return cursors;
    }

    /** Whether a row has not been emitted yet. */
    boolean isNew(String key, String offset) {
        String mark = marks.get(key);
        return mark == null ? !spec.isAfter(spec.initial(), offset) : spec.isAfter(offset, mark);
    }

    /** Note that a row is being emitted, and return the offset to store with it. */
    Map<String, String> advance(String key, String offset) {
        marks.put(key, offset);
        if (marks.size() > MAX_KEYS) {
            throw new ConnectException("More than " + MAX_KEYS + " record keys in one source partition: split them over "
                + HttpSourceConfig.PARTITIONS);
        }
        Map<String, String> stored = new HashMap<>();
        stored.put(spec.name(), oldest());
        marks.forEach((name, mark) -> stored.put(KEY_PREFIX + name, mark));
        return stored;
    }

    /** The offset to ask for: the mark of the key that is furthest behind. */
    String oldest() {
        return marks.values().stream().min(spec.order()).orElse(spec.initial());
    }
}
