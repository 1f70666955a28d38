package carbon.flink.prices;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.json.JsonReadFeature;

/** Reads one raw price, field by field, without a tree in between. Not safe for threads. */
final class PriceParser {
    static final int MAX_MESSAGE = 65_536; // bytes
    static final long MAX_AHEAD = 5 * 60_000; // ms

    // Bytes of UTF-8: the widths of the columns that take these fields, since one that is too long would stop a whole load.
    static final int MAX_CODE = 32;
    static final int MAX_CURRENCY = 8;
    static final int MAX_UNIT = 32;
    static final int MAX_SOURCE = 64;
    static final int MAX_EVENT_ID = 128;

    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

    /** A valid raw price; times in ms since 1970 UTC, numbers in millionths, absent fields null. */
    static final class Price {
        String eventId;
        String code;
        Long eventTime;
        Long price;
        String currency;
        long volume = 1_000_000;
        String unit;
        String source;
        Long asOf;
    }

    /**
     * Parses a message.
     *
     * @param now ms since 1970: a price that is known more than five minutes after this is refused
     * @throws Rejected when the message is not a raw price
     */
    Price parse(byte[] message, long now) throws Rejected {
        if (message == null || message.length == 0) {
            throw new Rejected("the message is empty");
        }
        if (message.length > MAX_MESSAGE) {
            throw new Rejected("the message has " + message.length + " bytes, more than " + MAX_MESSAGE);
        }
        Price price;
        try (JsonParser json = FACTORY.createParser(message)) {
            price = object(json);
        } catch (JsonProcessingException error) {
            throw new Rejected("not JSON at byte " + Math.max(0, error.getLocation() == null ? 0 : error.getLocation().getByteOffset()));
        } catch (IOException error) {
            throw new Rejected("not readable as UTF-8");
        }
        if (price.code == null) {
            throw new Rejected("commodity_code is missing");
        }
        if (price.price == null) {
            throw new Rejected("price is missing");
        }
        if (price.eventTime != null && price.eventTime > now + MAX_AHEAD) {
            throw new Rejected("event_time is more than 5 minutes ahead");
        }
        return price;
    }

    private static Price object(JsonParser json) throws IOException, Rejected {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new Rejected("not a JSON object");
        }
        Price price = new Price();
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
            JsonToken value = json.nextToken();
            if (value == JsonToken.VALUE_NULL) {
                continue; // as good as absent
            }
            field(price, name, value, json);
        }
        if (json.currentToken() != JsonToken.END_OBJECT || json.nextToken() != null) {
            throw new Rejected("more than one JSON value");
        }
        return price;
    }

    private static void field(Price price, String name, JsonToken token, JsonParser json) throws IOException, Rejected {
        switch (name) {
            case "commodity_code" -> price.code = identifier(name, token, json, MAX_CODE);
            case "price" -> price.price = number(name, token, json);
            case "currency" -> price.currency = string(name, token, json, MAX_CURRENCY);
            case "event_time" -> price.eventTime = eventTime(name, token, json);
            case "as_of" -> price.asOf = Times.parsePeriod(name, text(name, token, json));
            case "volume" -> {
                price.volume = number(name, token, json);
                if (price.volume < 0) {
                    throw new Rejected("volume is negative");
                }
            }
            case "unit" -> price.unit = string(name, token, json, MAX_UNIT);
            case "source" -> price.source = string(name, token, json, MAX_SOURCE);
            case "event_id" -> price.eventId = eventId(name, token, json);
            default -> json.skipChildren();
        }
    }

    private static long number(String name, JsonToken token, JsonParser json) throws IOException, Rejected {
        if (!token.isNumeric() && token != JsonToken.VALUE_STRING) { // polled APIs send their numbers as strings
            throw new Rejected(name + " is not a number");
        }
        return Decimals.parse(name, json.getTextCharacters(), json.getTextOffset(), json.getTextLength());
    }

    private static long eventTime(String name, JsonToken token, JsonParser json) throws IOException, Rejected {
        if (token != JsonToken.VALUE_NUMBER_INT) {
            return Times.parse(name, text(name, token, json));
        }
        if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
            throw new Rejected(name + " is out of range");
        }
        long millis = json.getLongValue();
        if (millis < Times.FIRST || millis > Times.LAST) {
            throw new Rejected(name + " is out of range");
        }
        return millis;
    }

    private static String eventId(String name, JsonToken token, JsonParser json) throws IOException, Rejected {
        JsonToken kind = token == JsonToken.VALUE_NUMBER_INT ? JsonToken.VALUE_STRING : token;
        return identifier(name, kind, json, MAX_EVENT_ID);
    }

    /** A name that other systems order and compare by: not blank, no control characters. */
    private static String identifier(String name, JsonToken token, JsonParser json, int limit) throws IOException, Rejected {
        String value = string(name, token, json, limit);
        if (value.isBlank()) {
            throw new Rejected(name + " is empty");
        }
        for (int i = 0; i < value.length(); i++) {
            if (value.charAt(i) < ' ') {
                throw new Rejected(name + " holds control characters");
            }
        }
        return value;
    }

    private static String string(String name, JsonToken token, JsonParser json, int limit) throws IOException, Rejected {
        String value = text(name, token, json);
        // A character takes three bytes at most, so short text needs no counting.
        if (value.length() * 3 > limit && value.getBytes(StandardCharsets.UTF_8).length > limit) {
            throw new Rejected(name + " is longer than " + limit + " bytes");
        }
        return value;
    }

    private static String text(String name, JsonToken token, JsonParser json) throws IOException, Rejected {
        if (token != JsonToken.VALUE_STRING) {
            throw new Rejected(name + " is not a string");
        }
        return json.getText();
    }
}
