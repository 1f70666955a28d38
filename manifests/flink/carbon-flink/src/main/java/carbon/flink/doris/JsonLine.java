package carbon.flink.doris;

import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;

/** One JSON object, written into bytes field by field; used again for the next. Every value is a text, which keeps all digits. */
final class JsonLine {
    private static final long DAY = 86_400_000;
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes = new byte[512];
    private int length;
    private long day = Long.MIN_VALUE;
    private byte[] date = {};

    void begin() {
        length = 0;
        put('{');
    }

    /** A field's name, quoted and with its colon; values follow it. */
    void name(byte[] quoted) {
        if (length > 1) {
            put(',');
        }
        copy(quoted);
    }

    void text(byte[] utf8) {
        room(utf8.length + 2);
        put('"');
        for (byte each : utf8) {
            if (each == '"' || each == '\\') {
                put('\\');
                put(each);
            } else if (each >= 0 && each < ' ') {
                control(each);
            } else {
                put(each);
            }
        }
        put('"');
    }

    private void control(byte each) {
        copy(new byte[] {'\\', 'u', '0', '0', HEX[each >> 4], HEX[each & 15]});
    }

    /** A decimal of at most 18 digits: the number without its point, and how many digits stand behind that. */
    void decimal(long unscaled, int scale) {
        put('"');
        long rest = Math.abs(unscaled);
        if (unscaled < 0) {
            put('-');
        }
        int digits = Math.max(scale + 1, digits(rest));
        int end = length + digits + (scale > 0 ? 1 : 0);
        room(end - length);
        for (int at = end - 1, left = scale; at >= length; at--) {
            if (left-- == 0 && scale > 0) {
                bytes[at] = '.';
            } else {
                bytes[at] = (byte) ('0' + rest % 10);
                rest /= 10;
            }
        }
        length = end;
        put('"');
    }

    private static int digits(long number) {
        int digits = 1;
        for (long rest = number / 10; rest > 0; rest /= 10) {
            digits++;
        }
        return digits;
    }

    /** A time without zone in ms since 1970, as yyyy-MM-dd HH:mm:ss.SSS. */
    void time(long millis) {
        put('"');
        long days = Math.floorDiv(millis, DAY);
        if (days != day) {
            day = days;
            date = LocalDate.ofEpochDay(days).toString().getBytes(StandardCharsets.US_ASCII);
        }
        copy(date);
        int rest = (int) (millis - days * DAY);
        put(' ');
        number(rest / 3_600_000, 2);
        put(':');
        number(rest / 60_000 % 60, 2);
        put(':');
        number(rest / 1000 % 60, 2);
        put('.');
        number(rest % 1000, 3);
        put('"');
    }

    private void number(int value, int digits) {
        room(digits);
        int rest = value;
        for (int at = length + digits - 1; at >= length; at--) {
            bytes[at] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        length += digits;
    }

    byte[] end() {
        put('}');
        return Arrays.copyOf(bytes, length);
    }

    private void copy(byte[] more) {
        room(more.length);
        System.arraycopy(more, 0, bytes, length, more.length);
        length += more.length;
    }

    private void put(int each) {
        room(1);
        bytes[length++] = (byte) each;
    }

    private void room(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length + more, 2 * bytes.length));
        }
    }
}
