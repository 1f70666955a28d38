package carbon.flink.script;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One statement of a script, references resolved and comments taken out.
 *
 * @param file the script's name
 * @param number of the statement in the file, from 1
 * @param line of the file on which it starts, from 1
 * @param inserts what a job writes: the members of a statement set, or the one statement itself
 */
public record Statement(String file, int number, int line, String text, List<String> inserts) {
    private static final Pattern SET = Pattern.compile("(?is)SET\\s+'((?:[^']|'')+)'\\s*=\\s*'((?:[^']|'')*)'");

    /** What the runner does with a statement. */
    public enum Kind {
        SET,
        DEFINITION,
        JOB
    }

    String where() {
        return file + ", statement " + number + " (line " + line + ")";
    }

    /** Tells settings, definitions and the job apart; nothing else has a place in a deployed script. */
    public Kind kind() {
        String word = text.split("\\s+", 2)[0].toUpperCase(Locale.ROOT);
        return switch (word) {
            case "SET" -> Kind.SET;
            case "CREATE", "DROP", "USE", "ALTER" -> Kind.DEFINITION;
            case "INSERT", "EXECUTE", "BEGIN" -> Kind.JOB;
            default -> throw new ScriptException(
                    where() + ": " + word + " is none of SET, CREATE, DROP, USE, ALTER, INSERT, EXECUTE STATEMENT SET");
        };
    }

    /** Key and value of a SET statement. */
    String[] setting() {
        Matcher matcher = SET.matcher(text);
        if (!matcher.matches()) {
            throw new ScriptException(where() + ": expected SET 'key' = 'value'");
        }
        return new String[] {matcher.group(1).replace("''", "'"), matcher.group(2).replace("''", "'")};
    }
}
