package carbon.flink.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScriptReaderTest {
    private static final References REFERENCES = References.of(Map.of("kafka.bootstrap_servers", "h:1", "secret.x", "it's; -- odd", "job.parallelism", "2"));

    private static List<String> split(String text) {
        return ScriptReader.read("f.sql", text, REFERENCES).stream().map(Statement::text).toList();
    }

    private static String error(String text) {
        return assertThrows(ScriptException.class, () -> ScriptReader.read("f.sql", text, REFERENCES)).getMessage();
    }

    @Test
    void semicolonsInQuotesAndCommentsDoNotSplit() {
        assertEquals(
                List.of("SELECT 'a;''b'  , `c;d`", "SELECT 1"),
                split("-- head; it's a comment\nSELECT 'a;''b' /* ; ' */, `c;d`; ;\n SELECT 1 -- end;\n;\n-- tail '"));
    }

    @Test
    void aStatementSetIsOneStatement() {
        String set = "EXECUTE STATEMENT SET\nBEGIN\nINSERT INTO a SELECT CASE WHEN x THEN 1 END FROM t;\nINSERT INTO b SELECT 2;\nEND";
        assertEquals(List.of(set, "SET 'a' = 'b'"), split(set + ";\nSET 'a' = 'b';"));
        String block = "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END";
        assertEquals(List.of(block), split(block + ";"));
        assertEquals(List.of("INSERT INTO a SELECT 1"), ScriptReader.read("f", block, REFERENCES).get(0).inserts());
        assertEquals(
                List.of("INSERT INTO a SELECT CASE WHEN x THEN 1 END FROM t", "INSERT INTO b SELECT 2"),
                ScriptReader.read("f", set, REFERENCES).get(0).inserts());
        assertEquals(List.of("INSERT INTO a SELECT 1"), ScriptReader.read("f", "INSERT INTO a SELECT 1;", REFERENCES).get(0).inserts());
        assertEquals(List.of("SELECT begin_date FROM t WHERE `begin` = 1", "SELECT 2"), split("SELECT begin_date FROM t WHERE `begin` = 1; SELECT 2"));
    }

    @Test
    void hintsStayAndCommentsKeepLineNumbers() {
        List<Statement> statements = ScriptReader.read("f.sql", "-- one\n/* two\n three */\nSELECT /*+ LOOKUP() */ 1;\n\n\nSELECT\n-- x\n2", REFERENCES);
        assertEquals("SELECT /*+ LOOKUP() */ 1", statements.get(0).text());
        assertEquals("f.sql, statement 1 (line 4)", statements.get(0).where());
        assertEquals("f.sql, statement 2 (line 7)", statements.get(1).where());
        assertEquals("SELECT\n\n2", statements.get(1).text());
    }

    @Test
    void referencesAreResolvedWhereTheyAreMeant() {
        assertEquals(List.of("A 'h:1' 'it''s; -- odd' 2"), split("A '${kafka.bootstrap_servers}' '${secret.x}' ${job.parallelism} -- ${nothing.known}\n;"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "SELECT\\n'${kafka.other}'|f.sql, line 2: ${kafka.other} is not among the references in the given references",
                "SELECT ${secret.x}|f.sql, statement 1 (line 1): outside of quotes a reference must stand for a plain word",
                "SELECT 1;\\nSELECT 'a|f.sql, line 2: a ' is not closed",
                "SELECT /* a|f.sql, statement 1 (line 1): a comment has no end",
                "SELECT '${kafka|f.sql, line 1: a reference is not closed",
                "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;|f.sql, statement 1 (line 1): the statement set has no END",
            })
    void errorsNameThePlace(String text, String message) {
        assertEquals(message, error(text.replace("\\n", "\n")));
    }

    @Test
    void otherStatementsHaveNoPlaceInAScript() {
        Statement select = ScriptReader.read("f.sql", "SELECT 1", REFERENCES).get(0);
        assertEquals(
                "f.sql, statement 1 (line 1): SELECT is none of SET, CREATE, DROP, USE, ALTER, INSERT, EXECUTE STATEMENT SET",
                assertThrows(ScriptException.class, select::kind).getMessage());
    }

    @Test
    void aMissingFileIsNamed() {
        String message = assertThrows(ScriptException.class, () -> ScriptReader.read(Path.of("nowhere.sql"), REFERENCES)).getMessage();
        assertEquals("Cannot read the script nowhere.sql: java.nio.file.NoSuchFileException: nowhere.sql", message);
    }
}
