package carbon.flink.avro;

import java.util.Map;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.formats.avro.SchemaCoder;
import org.apache.flink.formats.avro.registry.confluent.ConfluentSchemaRegistryCoder;

/**
 * Connects each subtask to the registry.
 *
 * @param properties of the registry's client, secrets among them
 */
record CoderProvider(String subject, String url, Map<String, String> properties) implements SchemaCoder.SchemaCoderProvider {
    private static final int SCHEMAS = 1000;

    @Override
    public SchemaCoder get() {
        return new OnceCoder(new ConfluentSchemaRegistryCoder(subject, new CachedSchemaRegistryClient(url, SCHEMAS, properties)));
    }

    @Override
    public String toString() {
        return "schemas of " + subject + " at " + url;
    }
}
