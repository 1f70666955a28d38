package carbon.connect.s3;

import carbon.connect.common.Mistakes;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** Archives topics as objects of JSON lines in folders by time; its keys are those of Confluent's S3 sink. */
public final class S3SinkConnector extends SinkConnector {
    private Map<String, String> properties = Map.of();

    @Override
    public String version() {
        return Objects.requireNonNullElse(getClass().getPackage().getImplementationVersion(), "unpackaged");
    }

    @Override
    public ConfigDef config() {
        return S3SinkConfig.DEFINITION;
    }

    /** Adds what no single key can tell: addresses, patterns, time zones, keys nobody knows. */
    @Override
    public Config validate(Map<String, String> connectorConfigs) {
        return Mistakes.added(super.validate(connectorConfigs), () -> S3SinkConfig.mistakes(connectorConfigs));
    }

    @Override
    public void start(Map<String, String> props) {
        S3SinkConfig.of(props);
        properties = Map.copyOf(props);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return S3SinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, properties);
    }

    @Override
    public void stop() {
        properties = Map.of();
    }

    /**
     * Offsets moved by hand count: the notes of these partitions go, so the archive takes what Kafka brings. Objects are left;
     * moved back, records are written again beside those that hold them already, unless these are removed first.
     */
    @Override
    public boolean alterOffsets(Map<String, String> connectorConfig, Map<TopicPartition, Long> offsets) {
        S3SinkConfig config = S3SinkConfig.of(connectorConfig);
        ObjectStore store = new ObjectStore(config);
        for (TopicPartition place : offsets.keySet()) {
            store.delete(new ObjectNames(config.getString(S3SinkConfig.TOPICS_DIR), place.topic(), place.partition(), true).note());
        }
        return true;
    }
}
