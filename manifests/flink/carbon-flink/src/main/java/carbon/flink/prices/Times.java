package carbon.flink.prices;

import java.time.DateTimeException;
import java.time.LocalDate;

/** ISO-8601 text to milliseconds since 1970 UTC; what has no offset is UTC, and a date alone is its midnight. */
final class Times {
    static final long FIRST = -62_135_596_800_000L; // 0001-01-01
    static final long LAST = 253_402_300_799_999L; // 9999-12-31T23:59:59.999
    private static final long DAY = 86_400_000L;

    private final String field;
    private final String text;
    private int position;

    private Times(String field, String text) {
        this.field = field;
        this.text = text;
    }

    /** A point in time: yyyy-MM-dd, optionally with a time of day and an offset. */
    static long parse(String field, String text) throws Rejected {
        return new Times(field, text).time();
    }

    /** A date or time that a price refers to: also a year or a month, which stand for their first day. */
    static long parsePeriod(String field, String text) throws Rejected {
        return switch (text.length()) {
            case 4 -> parse(field, text + "-01-01");
            case 7 -> parse(field, text + "-01");
            default -> parse(field, text);
        };
    }

    private long time() throws Rejected {
        int year = number(4);
        expect('-');
        int month = number(2);
        expect('-');
        int day = number(2);
        long millis;
        try {
            millis = LocalDate.of(year, month, day).toEpochDay() * DAY;
        } catch (DateTimeException error) {
            throw wrong();
        }
        if (!atEnd()) {
            if (!take('T') && !take('t')) {
                expect(' ');
            }
            millis += timeOfDay();
            millis -= offset();
        }
        if (!atEnd() || millis < FIRST || millis > LAST) {
            throw wrong();
        }
        return millis;
    }

    private long timeOfDay() throws Rejected {
        int hour = below(24);
        expect(':');
        int minute = below(60);
        int second = 0;
        long fraction = 0;
        if (take(':')) {
            second = below(60);
            if (take('.') || take(',')) {
                fraction = fraction();
            }
        }
        return ((hour * 60L + minute) * 60 + second) * 1000 + fraction;
    }

    /** Milliseconds of a fraction of a second; finer digits are cut off, as a clock does. */
    private long fraction() throws Rejected {
        int start = position;
        long millis = 0;
        while (!atEnd() && isDigit(text.charAt(position))) {
            if (position - start < 3) {
                millis = millis * 10 + (text.charAt(position) - '0');
            }
            position++;
        }
        if (position == start) {
            throw wrong();
        }
        for (int digits = position - start; digits < 3; digits++) {
            millis *= 10;
        }
        return millis;
    }

    private long offset() throws Rejected {
        if (atEnd() || take('Z') || take('z')) {
            return 0;
        }
        int sign = take('-') ? -1 : 1;
        if (sign > 0) {
            expect('+');
        }
        int hours = below(24);
        int minutes = 0;
        if (!atEnd()) {
            take(':');
            minutes = below(60);
        }
        return sign * (hours * 60L + minutes) * 60_000;
    }

    private int below(int limit) throws Rejected {
        int value = number(2);
        if (value >= limit) {
            throw wrong();
        }
        return value;
    }

    private int number(int digits) throws Rejected {
        int value = 0;
        for (int i = 0; i < digits; i++, position++) {
            if (atEnd() || !isDigit(text.charAt(position))) {
                throw wrong();
            }
            value = value * 10 + (text.charAt(position) - '0');
        }
        return value;
    }

    private void expect(char wanted) throws Rejected {
        if (!take(wanted)) {
            throw wrong();
        }
    }

    private boolean take(char wanted) {
        if (atEnd() || text.charAt(position) != wanted) {
            return false;
        }
        position++;
        return true;
    }

    private boolean atEnd() {
        return position >= text.length();
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private Rejected wrong() {
        return new Rejected(field + " is not an ISO-8601 time");
    }
}
