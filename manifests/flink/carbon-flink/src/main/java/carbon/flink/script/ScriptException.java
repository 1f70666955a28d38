package carbon.flink.script;

/** A script that cannot be read or run: names the file, the statement and its line, and holds no secret. */
public final class ScriptException extends RuntimeException {
    public ScriptException(String message) {
        super(message);
    }

    /** An error of a statement, with its causes in words: a cause of Flink's may quote a table's options, password included. */
    ScriptException(Statement statement, Throwable error, References references) {
        super(statement.where() + ": " + references.redact(describe(error)));
        setStackTrace(error.getStackTrace());
    }

    private static String describe(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String message = cause.getMessage() == null ? cause.getClass().getName() : cause.getMessage();
            if (text.indexOf(message) < 0) {
                text.append(text.isEmpty() ? "" : "; because: ").append(message.strip());
            }
        }
        return text.toString();
    }
}
