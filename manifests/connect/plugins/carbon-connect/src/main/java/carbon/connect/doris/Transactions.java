package carbon.connect.doris;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.errors.RetriableException;

/** The answer to SHOW TRANSACTION. */
final class Transactions {
    private Transactions() {
    }

    /**
     * Label → state.
     *
     * @param result set of a query over HTTP: names of columns, and rows as arrays
     */
    static Map<String, String> of(JsonNode result) {
        Map<String, String> states = new HashMap<>();
        int label = column(result, "Label");
        int state = column(result, "TransactionStatus");
        for (JsonNode row : result.path("data")) {
            String known = row.path(label).asText();
            // A label that was aborted may have been used again.
            states.merge(known, row.path(state).asText(), (one, other) -> one.equals("ABORTED") ? other : one);
        }
        return states;
    }

    private static int column(JsonNode result, String name) {
        JsonNode columns = result.path("meta");
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).path("name").asText().equalsIgnoreCase(name)) {
                return i;
            }
        }
        throw new RetriableException("Doris answered SHOW TRANSACTION without the column " + name);
    }
}
