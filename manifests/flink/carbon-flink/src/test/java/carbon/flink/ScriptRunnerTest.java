package carbon.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.flink.script.ScriptException;
import carbon.flink.script.ScriptJob;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScriptRunnerTest {
    @TempDir Path folder;
    private Path references;

    @BeforeEach
    void write() throws Exception {
        references = Files.writeString(folder.resolve("refs.properties"), "secret.doris = pa'ss\\u0077ord\njob.parallelism=3\nregistry.url=http\\://h\\:1\n");
    }

    private ScriptJob job(String text, String... more) throws Exception {
        Path script = Files.writeString(folder.resolve("job.sql"), text);
        String[] arguments = new String[4 + more.length];
        System.arraycopy(new String[] {"--script", script.toString(), "--references", references.toString()}, 0, arguments, 0, 4);
        System.arraycopy(more, 0, arguments, 4, more.length);
        return ScriptRunner.job(arguments);
    }

    private String error(String text, String... more) {
        return assertThrows(ScriptException.class, () -> job(text, more).graph()).getMessage();
    }

    private static final String TABLES =
            "CREATE TABLE a (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1'); CREATE TABLE b (x INT) WITH ('connector' = 'print');";

    @Test
    void settingsHoldForTheWholeJobAndTheCommandLineWins() throws Exception {
        ScriptJob job =
                job(
                        TABLES + "INSERT INTO b SELECT x FROM a".replace("INSERT", "SET 'parallelism.default' = '${job.parallelism}'; SET 'pipeline.name' = 'it''s'; INSERT"),
                        "--set", "pipeline.name=x=y");
        assertEquals("3", job.configuration().toMap().get("parallelism.default"));
        assertEquals("x=y", job.configuration().toMap().get("pipeline.name"));
        assertTrue(job.graph().getStreamNodes().stream().anyMatch(node -> node.getOperatorName().equals("Sink: b")));
    }

    @Test
    void thereIsExactlyOneJobAndItComesLast() {
        assertTrue(error(TABLES).startsWith("The scripts end without an INSERT"));
        assertTrue(error("").startsWith("The scripts end without an INSERT"));
        assertEquals(
                "job.sql, statement 3 (line 1): a job is the last statement of its scripts, and the only one",
                error(TABLES + "INSERT INTO b SELECT x FROM a; INSERT INTO b SELECT x FROM a"));
    }

    @Test
    void anErrorNamesFileStatementAndLine() {
        String message = error(TABLES + "\n\nINSERT INTO b SELECT y FROM a");
        assertTrue(message.startsWith("job.sql, statement 3 (line 3): SQL validation failed."), message);
        assertTrue(message.contains("Column 'y' not found in any table"), message);
    }

    @Test
    void secretsStayOutOfErrors() throws Exception {
        ScriptJob job = job("CREATE TABLE a (x INT) WITH ('connector' = 'datagen', 'odd' = '${secret.doris}'); INSERT INTO a SELECT x FROM a");
        ScriptException error = assertThrows(ScriptException.class, job::graph);
        StringWriter all = new StringWriter();
        error.printStackTrace(new PrintWriter(all));
        assertFalse(all.toString().contains("pa'ssword"), all.toString());
        assertTrue(error.getMessage().contains("job.sql, statement 2"), error.getMessage());
    }

    @Test
    void argumentsAreChecked() {
        assertEquals("--scripts is unknown; usage: --script FILE[,FILE…] --references FILE [--set KEY=VALUE]…", arguments("--scripts", "a"));
        assertTrue(arguments("--script").startsWith("--script has no value"));
        assertTrue(arguments("--set", "x").startsWith("--set x is not KEY=VALUE"));
        assertTrue(arguments("--references", "nowhere").startsWith("Cannot read the references of nowhere"));
    }

    private static String arguments(String... arguments) {
        return assertThrows(ScriptException.class, () -> ScriptRunner.job(arguments)).getMessage();
    }

    @Test
    void unknownOperatorsAreRefused() {
        String message = error(TABLES + "SET 'carbon.operator.c' = 'guess(a)'; INSERT INTO b SELECT x FROM c");
        assertTrue(message.startsWith("job.sql, statement 3 (line 1): 'guess(a)' is no call OPERATOR(TABLE) of one of ["), message);
        message = error(TABLES + "SET 'carbon.operator.c' = 'anomaly-detector(a)'; INSERT INTO b SELECT x FROM c");
        assertTrue(message.contains("anomaly-detector needs the columns [commodity_code, event_time, event_id, price], found [x]"), message);
    }
}
