package carbon.connect.doris;

import carbon.connect.common.Mistakes;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** Loads topics into Doris tables by Stream Load; its keys are those of the Doris project's own sink. */
public final class DorisSinkConnector extends SinkConnector {
    private Map<String, String> properties = Map.of();

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public ConfigDef config() {
        return DorisSinkConfig.DEFINITION;
    }

    /** Adds what no single key can tell: addresses, tables, headers that the sink sets itself, keys nobody knows. */
    @Override
    public Config validate(Map<String, String> connectorConfigs) {
        return Mistakes.added(super.validate(connectorConfigs), () -> DorisSinkConfig.mistakes(connectorConfigs));
    }

    @Override
    public void start(Map<String, String> props) {
        DorisSinkConfig.of(props);
        properties = Map.copyOf(props);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return DorisSinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, properties);
    }

    @Override
    public void stop() {
        properties = Map.of();
    }
}
