package carbon.connect.doris;

import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * Labels of the loads of one partition: they say which offsets a load holds.
 *
 * @param stem what they have in common
 * @param once whether the same offsets give the same label
 */
record Labels(String stem, boolean once) {
    private static final int READABLE = 32;

    /** Labels for a partition whose rows go to a table; Doris takes 128 letters, digits, dashes and underscores. */
    static Labels of(String prefix, String table, String topic, int partition, boolean once) {
        CRC32 place = new CRC32();
        place.update((table + "\n" + topic).getBytes(StandardCharsets.UTF_8));
        String readable = topic.replaceAll("[^A-Za-z0-9-]", "-");
        readable = readable.substring(0, Math.min(READABLE, readable.length()));
        return new Labels(String.format("%s_%s_%08x_%d", prefix, readable, place.getValue(), partition), once);
    }

    /** The label of a load from one offset to another, both in it. */
    String of(long first, long last) {
        String label = stem + "_" + first + "_" + last;
        return once ? label : label + "_" + UUID.randomUUID().toString().substring(0, 8);
    }

    /** The offset after those of a label; empty when the label is another's. */
    OptionalLong next(String label) {
        if (!label.startsWith(stem + "_") || !label.substring(stem.length()).matches("_\\d{1,18}_\\d{1,18}")) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(Long.parseLong(label.substring(label.lastIndexOf('_') + 1)) + 1);
    }
}
