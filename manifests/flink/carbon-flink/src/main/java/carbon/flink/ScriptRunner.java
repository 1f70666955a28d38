package carbon.flink;

import carbon.flink.script.References;
import carbon.flink.script.ScriptException;
import carbon.flink.script.ScriptJob;
import carbon.flink.script.ScriptReader;
import carbon.flink.script.Statement;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs SQL scripts as one Flink job: the program of a session job and of an application alike.
 *
 * <p>{@code --script a.sql[,b.sql…] --references refs.properties [--set key=value]…}
 */
public final class ScriptRunner {
    private static final String USAGE = "usage: --script FILE[,FILE…] --references FILE [--set KEY=VALUE]…";

    private ScriptRunner() {}

    /** Submits the job; the program ends, the job goes on. */
    public static void main(String[] arguments) {
        job(arguments).submit();
    }

    static ScriptJob job(String[] arguments) {
        List<Path> scripts = new ArrayList<>();
        Map<String, String> settings = new HashMap<>();
        References references = References.of(Map.of());
        for (int i = 0; i < arguments.length; i += 2) {
            if (i + 1 == arguments.length) {
                throw new ScriptException(arguments[i] + " has no value; " + USAGE);
            }
            String value = arguments[i + 1];
            switch (arguments[i]) {
                case "--script" -> List.of(value.split(",")).forEach(name -> scripts.add(Path.of(name.strip())));
                case "--references" -> references = References.load(Path.of(value));
                case "--set" -> addSetting(settings, value);
                default -> throw new ScriptException(arguments[i] + " is unknown; " + USAGE);
            }
        }
        List<Statement> statements = new ArrayList<>();
        for (Path script : scripts) {
            statements.addAll(ScriptReader.read(script, references));
        }
        return new ScriptJob(statements, references, settings);
    }

    private static void addSetting(Map<String, String> settings, String text) {
        int equals = text.indexOf('=');
        if (equals < 1) {
            throw new ScriptException("--set " + text + " is not KEY=VALUE; " + USAGE);
        }
        settings.put(text.substring(0, equals), text.substring(equals + 1));
    }
}
