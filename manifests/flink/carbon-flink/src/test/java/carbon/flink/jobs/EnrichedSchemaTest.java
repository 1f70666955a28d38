package carbon.flink.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import carbon.flink.script.Statement;
import java.nio.file.Files;
import java.util.regex.Pattern;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.formats.avro.typeutils.AvroSchemaConverter;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.junit.jupiter.api.Test;

/** The declared schema of commodity-prices-enriched is, character for character of its meaning, what Flink derives and registers. */
class EnrichedSchemaTest {
    @Test
    void theDeclaredSchemaIsTheOneThatIsWritten() throws Exception {
        Statement table =
                DeployedJobs.statements("data-enricher").stream().filter(s -> s.text().contains("TABLE enriched_prices")).findFirst().orElseThrow();
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        tables.executeSql(Pattern.compile("(?s)WITH \\(.*").matcher(table.text()).replaceAll("WITH ('connector' = 'print')"));
        Schema derived =
                AvroSchemaConverter.convertToSchema(
                        tables.from("enriched_prices").getResolvedSchema().toPhysicalRowDataType().notNull().getLogicalType());
        String declared = Files.readString(DeployedJobs.MANIFESTS.resolve("kafka/schemas/commodity-prices-enriched.avsc"));
        assertEquals(derived.toString(true), new Schema.Parser().parse(declared).toString(true));
    }
}
