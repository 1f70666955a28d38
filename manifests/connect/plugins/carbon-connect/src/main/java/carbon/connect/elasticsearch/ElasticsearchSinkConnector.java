package carbon.connect.elasticsearch;

import carbon.connect.common.Mistakes;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** Writes records as documents to OpenSearch or Elasticsearch; its keys are those of Confluent's sink. */
public final class ElasticsearchSinkConnector extends SinkConnector {
    private Map<String, String> properties = Map.of();

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public ConfigDef config() {
        return ElasticsearchSinkConfig.DEFINITION;
    }

    /** Adds what no single key can tell: addresses, index names, keys that do not go together. */
    @Override
    public Config validate(Map<String, String> connectorConfigs) {
        return Mistakes.added(super.validate(connectorConfigs), () -> ElasticsearchSinkConfig.mistakes(connectorConfigs));
    }

    @Override
    public void start(Map<String, String> props) {
        ElasticsearchSinkConfig.of(props);
        properties = Map.copyOf(props);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return ElasticsearchSinkTask.class;
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
