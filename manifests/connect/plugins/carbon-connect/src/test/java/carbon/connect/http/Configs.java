package carbon.connect.http;

import carbon.connect.common.TestApi;
import java.util.HashMap;
import java.util.Map;

/** Configurations that tests start from. */
final class Configs {
    static final String KEY = "s3cr3t/key+1";

    private Configs() {
    }

    /** An EIA-shaped source with short times, and other values for the given keys. */
    static Map<String, String> eia(TestApi api, String... others) {
        Map<String, String> config = new HashMap<>(Map.of(
            HttpSourceConfig.URL, api.url("/v2/data/"),
            HttpSourceConfig.PARAMS, "api_key=s3cr3t/key%2B1&start=${offset.period}&facets[series][]=RWTC",
            HttpSourceConfig.INTERVAL, "20",
            HttpSourceConfig.OFFSET_INITIAL, "period=2020-01-01",
            HttpSourceConfig.OFFSET_POINTER, "period=/period",
            HttpSourceConfig.LIST_POINTER, "/response/data",
            HttpSourceConfig.FIELDS, "commodity_code:string:/series;price:decimal(6):/value;currency:string:USD;as_of:string:/period;"
                + "event_id:string:EIA-{/series}-{/period}",
            HttpSourceConfig.FIELDS + ".commodity_code.map", "RWTC=CL,RBRTE=BZ",
            HttpSourceConfig.KEY_FIELD, "commodity_code",
            HttpSourceConfig.TOPIC, "prices"));
        config.put(HttpSourceConfig.RETRY_BACKOFF, "20");
        config.put(HttpSourceConfig.RETRY_BACKOFF_MAX, "40");
        for (int i = 0; i < others.length; i += 2) {
            config.put(others[i], others[i + 1]);
        }
        return config;
    }

    /** An EIA answer with rows given as {@code series period value}. */
    static String answer(String... rows) {
        StringBuilder json = new StringBuilder("{\"response\":{\"data\":[");
        for (int i = 0; i < rows.length; i++) {
            String[] row = rows[i].split(" ");
            json.append(i == 0 ? "" : ",").append("{\"series\":\"").append(row[0]).append("\",\"period\":\"").append(row[1])
                .append("\",\"value\":").append(row[2].equals("null") ? "null" : "\"" + row[2] + "\"").append('}');
        }
        return json.append("]}}").toString();
    }
}
