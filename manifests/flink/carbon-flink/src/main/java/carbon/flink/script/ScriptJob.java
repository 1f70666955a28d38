package carbon.flink.script;

import carbon.flink.SharedOperator;
import carbon.flink.TableOperator;
import carbon.flink.anomaly.AnomalyOperator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.bridge.java.StreamStatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * The statements of one job: settings, definitions and, at the end, one INSERT or statement set.
 *
 * <p>{@code SET 'carbon.operator.NAME' = 'OPERATOR(TABLE)'} makes the view NAME of an operator applied to a table that is
 * defined above it. Settings of the planner, {@code table.*}, hold from where they stand; all others for the whole job.
 */
public final class ScriptJob {
    private static final String OPERATOR = "carbon.operator.";
    private static final String PLANNER = "table.";
    private static final Pattern CALL = Pattern.compile("([a-z-]+)\\(([A-Za-z0-9_]+)\\)");
    private static final Map<String, TableOperator> OPERATORS =
            Map.of("anomaly-detector", new AnomalyOperator(), "shared", new SharedOperator());

    private final List<Statement> statements;
    private final References references;
    private final Map<String, String> overrides;
    private final Configuration configuration = new Configuration();

    /**
     * @param overrides settings that win over those of the scripts
     * @throws ScriptException when there is not exactly one job, at the end
     */
    public ScriptJob(List<Statement> statements, References references, Map<String, String> overrides) {
        this.statements = List.copyOf(statements);
        this.references = references;
        this.overrides = Map.copyOf(overrides);
        checkOneJob();
        for (Statement statement : this.statements) {
            if (statement.kind() == Statement.Kind.SET && holdsForAll(statement.setting()[0])) {
                configuration.setString(statement.setting()[0], statement.setting()[1]);
            }
        }
        overrides.forEach(configuration::setString);
    }

    private void checkOneJob() {
        for (int i = 0; i < statements.size() - 1; i++) {
            if (statements.get(i).kind() == Statement.Kind.JOB) {
                throw new ScriptException(statements.get(i).where() + ": a job is the last statement of its scripts, and the only one");
            }
        }
        if (statements.isEmpty() || statements.get(statements.size() - 1).kind() != Statement.Kind.JOB) {
            throw new ScriptException("The scripts end without an INSERT or EXECUTE STATEMENT SET: there is nothing to run");
        }
    }

    private static boolean holdsForAll(String key) {
        return !key.startsWith(OPERATOR) && !key.startsWith(PLANNER);
    }

    /** The settings that hold for the whole job. */
    public Configuration configuration() {
        return configuration;
    }

    /** Defines everything and submits the job, without waiting for its end. */
    public JobClient submit() {
        StreamExecutionEnvironment environment = prepare();
        return guarded(job(), environment::executeAsync);
    }

    /** The operators of the job, which is not submitted. */
    public StreamGraph graph() {
        return prepare().getStreamGraph();
    }

    private Statement job() {
        return statements.get(statements.size() - 1);
    }

    private StreamExecutionEnvironment prepare() {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        StreamTableEnvironment tables = define(environment);
        return guarded(
                job(),
                () -> {
                    StreamStatementSet inserts = tables.createStatementSet();
                    job().inserts().forEach(inserts::addInsertSql);
                    inserts.attachAsDataStream();
                    OperatorNames.assign(environment.getTransformations());
                    return environment;
                });
    }

    private StreamTableEnvironment define(StreamExecutionEnvironment environment) {
        EnvironmentSettings settings = EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(configuration).build();
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment, settings);
        for (Statement statement : statements.subList(0, statements.size() - 1)) {
            guarded(statement, () -> run(tables, statement));
        }
        return tables;
    }

    private Void run(StreamTableEnvironment tables, Statement statement) {
        if (statement.kind() == Statement.Kind.DEFINITION) {
            tables.executeSql(statement.text());
            return null;
        }
        String key = statement.setting()[0];
        String value = statement.setting()[1];
        if (key.startsWith(OPERATOR)) {
            apply(tables, key.substring(OPERATOR.length()), value);
        } else if (key.startsWith(PLANNER) && !overrides.containsKey(key)) {
            tables.getConfig().set(key, value);
        }
        return null;
    }

    private static void apply(StreamTableEnvironment tables, String view, String call) {
        Matcher matcher = CALL.matcher(call);
        if (!matcher.matches() || !OPERATORS.containsKey(matcher.group(1))) {
            throw new ScriptException("'" + call + "' is no call OPERATOR(TABLE) of one of " + OPERATORS.keySet());
        }
        TableOperator operator = OPERATORS.get(matcher.group(1));
        tables.createTemporaryView(view, operator.apply(tables, tables.from(matcher.group(2))));
    }

    private interface Step<T> {
        T run() throws Exception;
    }

    private <T> T guarded(Statement statement, Step<T> step) {
        try {
            return step.run();
        } catch (Exception error) {
            throw new ScriptException(statement, error, references);
        }
    }
}
