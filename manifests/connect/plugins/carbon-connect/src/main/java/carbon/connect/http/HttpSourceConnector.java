package carbon.connect.http;

import carbon.connect.common.Mistakes;
import java.util.ArrayList;
import java.util.HashMap;
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

/** Polls a JSON API; its keys follow the castorm HTTP connector where both have the same thing. */
public final class HttpSourceConnector extends SourceConnector {
    /** Set by {@link #taskConfigs}: the source partitions of one task. */
    static final String TASK_PARTITIONS = "http.task.partitions";

    private Map<String, String> properties = Map.of();

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public ConfigDef config() {
        return HttpSourceConfig.DEFINITION;
    }

    /** Adds what no single key can tell: references, pointers, fields, keys nobody knows. */
    @Override
    public Config validate(Map<String, String> connectorConfigs) {
        return Mistakes.added(super.validate(connectorConfigs), () -> HttpSourceConfig.mistakes(connectorConfigs));
    }

    @Override
    public void start(Map<String, String> props) {
        HttpSourceConfig.of(props);
        properties = Map.copyOf(props);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return HttpSourceTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        List<String> partitions = HttpSourceConfig.of(properties).partitions();
        int tasks = Math.min(maxTasks, partitions.size());
        List<List<String>> shares = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            shares.add(new ArrayList<>());
        }
        for (int i = 0; i < partitions.size(); i++) {
            shares.get(i % tasks).add(partitions.get(i));
        }
        return shares.stream().map(this::taskConfig).toList();
    }

    private Map<String, String> taskConfig(List<String> share) {
        // Every key stays as it came: the worker puts the references back by comparing, so no secret reaches its config topic.
        Map<String, String> config = new HashMap<>(properties);
        config.put(TASK_PARTITIONS, String.join(",", share));
        return config;
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
        HttpSourceConfig config = HttpSourceConfig.of(connectorConfig);
        offsets.forEach((partition, offset) -> {
            Object name = partition.get(SourcePartition.NAME);
            if (partition.size() != 1 || !(name instanceof String)) {
                throw new ConnectException("A source partition looks like {\"" + SourcePartition.NAME + "\": \"NAME\"}, not " + partition);
            }
            if (offset != null) {
                Cursors.restore(config.offset(), offset);
            }
        });
        return true;
    }
}
