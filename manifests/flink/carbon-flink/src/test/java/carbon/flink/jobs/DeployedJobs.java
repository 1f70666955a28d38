package carbon.flink.jobs;

import carbon.flink.script.References;
import carbon.flink.script.ScriptJob;
import carbon.flink.script.ScriptReader;
import carbon.flink.script.Statement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.flink.types.Row;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The jobs as deployed, from manifests/flink/jobs.yaml and sql/flink; only the connectors of their tables are exchanged. */
final class DeployedJobs {
    private static final Path MODULE = Path.of("").toAbsolutePath();
    static final Path MANIFESTS = MODULE.getParent().getParent();
    private static final Path SQL = MANIFESTS.getParent().resolve("sql/flink");
    private static final Pattern TABLE = Pattern.compile("(?s)CREATE TEMPORARY TABLE (\\w+) (\\(.*\\)) WITH (\\(.*\\))");
    private static final Pattern METADATA = Pattern.compile("\\s+METADATA(\\s+FROM\\s+'\\w+')?(\\s+VIRTUAL)?");
    private static final Map<String, String> ADDRESSES =
            Map.ofEntries(
                    Map.entry("kafka.bootstrap_servers", "localhost:1"),
                    Map.entry("kafka.security_protocol", "PLAINTEXT"),
                    Map.entry("kafka.sasl_mechanism", "PLAIN"),
                    Map.entry("kafka.flink_login", ""),
                    Map.entry("kafka.flink_ca", ""),
                    Map.entry("registry.url", "http://localhost:1/apis/ccompat/v7"),
                    Map.entry("doris.fenodes", "localhost:1"),
                    Map.entry("secret.doris_loader", "it's secret"),
                    Map.entry("catalog.uri", "jdbc:postgresql://localhost:1/iceberg"),
                    Map.entry("catalog.user", "carbon"),
                    Map.entry("secret.postgres", "also secret"),
                    Map.entry("catalog.warehouse", "file:///nowhere"),
                    Map.entry("objectstore.url", "http://127.0.0.1:1"),
                    Map.entry("objectstore.region", "us-east-1"),
                    Map.entry("job.run_id", "test"));

    private DeployedJobs() {}

    /** The statements of a job, word for word. */
    static List<Statement> statements(String job) throws IOException {
        Map<?, ?> manifest = (Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(Files.readString(MANIFESTS.resolve("flink/jobs.yaml")));
        Map<?, ?> spec =
                ((List<?>) manifest.get("jobs")).stream().map(Map.class::cast).filter(s -> s.get("name").equals(job)).findFirst().orElseThrow();
        Map<String, String> values = new HashMap<>(ADDRESSES);
        for (Object parameters : new Object[] {manifest.get("defaults"), spec.get("parameters")}) {
            ((Map<?, ?>) parameters).forEach((name, value) -> values.put("job." + name, String.valueOf(value)));
        }
        List<Statement> statements = new ArrayList<>();
        for (Object script : (List<?>) spec.get("scripts")) {
            statements.addAll(ScriptReader.read(SQL.resolve(script.toString()), References.of(values)));
        }
        return statements;
    }

    /** The job with tables that the test gives and takes; {@code options} says which connector a table gets instead. */
    static ScriptJob job(String name, Map<String, String> options) throws IOException {
        List<Statement> statements = statements(name).stream().map(s -> exchange(s, options)).collect(Collectors.toList());
        return new ScriptJob(statements, References.of(Map.of()), Map.of("parallelism.default", "2", "execution.checkpointing.interval", "50 ms"));
    }

    private static Statement exchange(Statement statement, Map<String, String> options) {
        Matcher table = TABLE.matcher(statement.text());
        if (!table.matches()) {
            return statement;
        }
        String name = table.group(1);
        String with = options.getOrDefault(name, "'connector' = 'test-rows', 'id' = '" + name + "'");
        String columns = METADATA.matcher(table.group(2)).replaceAll("");
        return new Statement(statement.file(), statement.number(), statement.line(), "CREATE TEMPORARY TABLE " + name + " " + columns + " WITH (" + with + ")", List.of());
    }

    /** Runs a job over bounded tables to its end. */
    static void run(ScriptJob job) throws Exception {
        job.submit().getJobExecutionResult().get(90, TimeUnit.SECONDS);
    }

    /** The last row of each key, as an upserting sink keeps it. */
    static Map<String, Row> newest(List<Row> rows, Function<Row, String> key) {
        Map<String, Row> newest = new HashMap<>();
        rows.forEach(row -> newest.put(key.apply(row), row));
        return newest;
    }

    static LocalDateTime at(String time) {
        return LocalDateTime.parse("2026-01-15T" + time);
    }
}
