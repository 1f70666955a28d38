package carbon.connect.websocket;

import java.util.HashMap;
import java.util.Map;

/** Configurations and messages that tests start from. */
final class Feeds {
    static final String TOKEN = "s3cr3t-t0ken";

    private Feeds() {
    }

    /** A source with short times, and other values for the given keys. */
    static Map<String, String> config(TestFeed feed, String... others) {
        Map<String, String> config = new HashMap<>(Map.of(
            WebSocketSourceConfig.URL, feed.url(),
            WebSocketSourceConfig.HEADERS, "Authorization: Bearer " + TOKEN,
            WebSocketSourceConfig.SUBSCRIBE, "{\"subscribe\":\"prices\",\"after\":${offset.seq}}",
            WebSocketSourceConfig.OFFSET_POINTER, "seq=/seq",
            WebSocketSourceConfig.OFFSET_INITIAL, "seq=-1",
            WebSocketSourceConfig.FIELDS, "commodity_code:string:/code; price:decimal(6):/price; event_id:string:FEED-{/seq}",
            WebSocketSourceConfig.KEY_FIELD, "commodity_code",
            WebSocketSourceConfig.SELECT, "/type=tick",
            WebSocketSourceConfig.RETRY_BACKOFF, "20",
            WebSocketSourceConfig.TOPIC, "prices"));
        config.put(WebSocketSourceConfig.RETRY_BACKOFF_MAX, "100");
        config.put(WebSocketSourceConfig.ERROR_POINTER, "/error");
        config.put(WebSocketSourceConfig.GAP_POINTER, "/gap");
        config.put(WebSocketSourceConfig.OFFSET_STEP, "true");
        for (int i = 0; i < others.length; i += 2) {
            config.put(others[i], others[i + 1]);
        }
        return config;
    }

    static String tick(int seq) {
        return "{\"type\":\"tick\",\"seq\":" + seq + ",\"code\":\"CL\",\"price\":-36.98}";
    }
}
