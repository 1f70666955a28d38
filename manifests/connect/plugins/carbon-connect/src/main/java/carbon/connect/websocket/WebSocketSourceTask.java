package carbon.connect.websocket;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** Takes messages from the feed and hands their records to the worker as soon as there are any. */
public final class WebSocketSourceTask extends SourceTask {
    /** Longest wait of one poll: the worker stops and pauses a task only between two polls. */
    private static final long MOMENT_MILLIS = 500;

    private FeedClient client;
    private MessageReader reader;
    private int batch;

    @Override
    public String version() {
        return new WebSocketSourceConnector().version();
    }

    @Override
    public void start(Map<String, String> props) {
        WebSocketSourceConfig config = WebSocketSourceConfig.of(props);
        Counters counters = new Counters();
        reader = new MessageReader(config, counters, context.offsetStorageReader().offset(MessageReader.PARTITION));
        client = new FeedClient(config, counters);
        batch = config.getInt(WebSocketSourceConfig.BATCH);
        counters.publish(context.pluginMetrics());
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        List<SourceRecord> records = new ArrayList<>();
        String message = client.next(reader.last(), MOMENT_MILLIS);
        while (message != null) {
            String complaint = reader.read(message, records);
            if (complaint != null) {
                client.fail("the feed complains: " + complaint);
                break;
            }
            message = records.size() < batch ? client.next(reader.last(), 0) : null;
        }
        if (records.isEmpty()) {
            return null;
        }
        client.accepted();
        return records;
    }

    @Override
    public void stop() {
        if (client != null) {
            client.close();
        }
    }
}
