package carbon.connect.websocket;

import carbon.connect.common.Mistakes;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.ConnectorTransactionBoundaries;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;

/** Listens to a JSON feed over WebSocket that numbers its messages and sends again what was missed. */
public final class WebSocketSourceConnector extends SourceConnector {
    private Map<String, String> properties = Map.of();

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public ConfigDef config() {
        return WebSocketSourceConfig.DEFINITION;
    }

    /** Adds what no single key can tell: references, pointers, fields, keys nobody knows. */
    @Override
    public Config validate(Map<String, String> connectorConfigs) {
        return Mistakes.added(super.validate(connectorConfigs), () -> WebSocketSourceConfig.mistakes(connectorConfigs));
    }

    @Override
    public void start(Map<String, String> props) {
        WebSocketSourceConfig.of(props);
        properties = Map.copyOf(props);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return WebSocketSourceTask.class;
    }

    /** One task: a feed is one stream, and its numbers are in one order. */
    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return List.of(properties);
    }

    @Override
    public void stop() {
        properties = Map.of();
    }

    @Override
    public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> connectorConfig) {
        return ExactlyOnceSupport.SUPPORTED;
    }

    @Override
    public ConnectorTransactionBoundaries canDefineTransactionBoundaries(Map<String, String> connectorConfig) {
        return ConnectorTransactionBoundaries.UNSUPPORTED;
    }

    @Override
    public boolean alterOffsets(Map<String, String> connectorConfig, Map<Map<String, ?>, Map<String, ?>> offsets) {
        WebSocketSourceConfig config = WebSocketSourceConfig.of(connectorConfig);
        offsets.forEach((partition, offset) -> {
            if (!partition.equals(MessageReader.PARTITION)) {
                throw new ConnectException("The source partition of a feed is " + MessageReader.PARTITION + ", not " + partition);
            }
            if (offset != null) {
                MessageReader.restored(config.offset(), offset);
            }
        });
        return true;
    }
}
