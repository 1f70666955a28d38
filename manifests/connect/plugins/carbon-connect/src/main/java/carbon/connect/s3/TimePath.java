package carbon.connect.s3;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Date;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * The folder of a record, by its time.
 *
 * @param format of the folder
 * @param durationMillis time that one folder stands for
 * @param zone whose hours and days these are
 * @param extractor Record, RecordField or Wallclock
 * @param field for RecordField, parts by dots
 */
record TimePath(DateTimeFormatter format, long durationMillis, ZoneId zone, String extractor, String field) {

    /**
     * Read the keys that make a path.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    static TimePath parse(S3SinkConfig config) {
        try {
            ZoneId zone = ZoneId.of(config.getString(S3SinkConfig.TIMEZONE));
            Locale locale = Locale.forLanguageTag(config.getString(S3SinkConfig.LOCALE));
            DateTimeFormatter format = DateTimeFormatter.ofPattern(calendarYear(config.getString(S3SinkConfig.PATH_FORMAT)), locale);
            format.format(ZonedDateTime.ofInstant(Instant.EPOCH, zone));
            return new TimePath(format, config.getLong(S3SinkConfig.PARTITION_DURATION), zone, config.getString(S3SinkConfig.EXTRACTOR),
                config.getString(S3SinkConfig.TIMESTAMP_FIELD));
        } catch (DateTimeException error) {
            throw new IllegalArgumentException(error.getMessage(), error);
        }
    }

    /** Y outside of quotes is the year of the week in Java, and the year in the library that Confluent's sink uses. */
    private static String calendarYear(String pattern) {
        StringBuilder text = new StringBuilder();
        boolean quoted = false;
        for (char letter : pattern.toCharArray()) {
            quoted ^= letter == '\'';
            text.append(letter == 'Y' && !quoted ? 'y' : letter);
        }
        return text.toString();
    }

    /** The folder for a time. */
    String of(long millis) {
        ZonedDateTime time = Instant.ofEpochMilli(millis).atZone(zone);
        long offset = time.getOffset().getTotalSeconds() * 1000L;
        long begin = Math.floorDiv(millis + offset, durationMillis) * durationMillis - offset;
        return format.format(Instant.ofEpochMilli(begin).atZone(zone));
    }

    /**
     * The time of a record.
     *
     * @throws DataException when it has none
     */
    long millis(SinkRecord record, long now) {
        if (extractor.equals("Wallclock")) {
            return now;
        }
        Object found = extractor.equals("Record") ? record.timestamp() : inner(record.value());
        if (found instanceof Long number) {
            return number;
        }
        if (found instanceof Date date) {
            return date.getTime();
        }
        if (found instanceof String text) {
            return parsed(text);
        }
        throw new DataException("the record has no time" + (extractor.equals("Record") ? "" : " in its field " + field));
    }

    private Object inner(Object value) {
        Object current = value;
        for (String name : field.split("\\.")) {
            if (current instanceof Map<?, ?> map) {
                current = map.get(name);
            } else if (current instanceof Struct struct && struct.schema().field(name) != null) {
                current = struct.get(name);
            } else {
                return null;
            }
        }
        return current;
    }

    private long parsed(String text) {
        try {
            return Instant.parse(text).toEpochMilli();
        } catch (DateTimeException error) {
            throw new DataException("the field " + field + " holds no ISO-8601 time: " + text, error);
        }
    }
}
