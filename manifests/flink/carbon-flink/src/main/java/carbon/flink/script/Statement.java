package carbon.flink.script;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One statement of a script, references resolved and comments taken out.
 *
 * @param file the script's name
 * @param number of the statement in the file, from 1
 * @param line of the file on which it starts, from 1
 */
public record Statement(String file, int number, int line, String text) {
    private static final Pattern SET = Pattern.compile("(?is)SET\\s+'((?:[^']|'')+)'\\s*=\\s*'((?:[^']|'')*)'");
    private static final Pattern SET_BLOCK = Pattern.compile("(?is)^BEGIN\\s+STATEMENT\\s+SET\\s*;");

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
        String word = text.split("\\s+", 2)[0].toUpperCase(java.util.Locale.ROOT);
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

    /** The job in the form that one call of Flink takes. */
    String job() {
        return SET_BLOCK.matcher(text).replaceFirst("EXECUTE STATEMENT SET BEGIN");
    }
}
