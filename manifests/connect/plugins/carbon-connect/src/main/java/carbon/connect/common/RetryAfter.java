package carbon.connect.common;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/** The Retry-After header (RFC 9110, section 10.2.3): seconds, or an HTTP date. */
public final class RetryAfter {
    private RetryAfter() {
    }

    /** How long to wait from {@code now}; never negative, null when the text is neither form. */
    public static Duration parse(String text, Instant now) {
        String value = text.strip();
        if (value.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(value));
        }
        try {
            Duration wait = Duration.between(now, ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeException error) {
            return null;
        }
    }
}
