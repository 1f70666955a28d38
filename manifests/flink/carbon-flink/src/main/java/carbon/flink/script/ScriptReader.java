package carbon.flink.script;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Cuts a script into statements at semicolons that are not within quotes, comments or a statement set, and puts values in the
 * place of references. Within quotes a value is escaped; outside it must be a plain word, so that no value can change what a
 * statement says. In comments nothing is replaced.
 */
public final class ScriptReader {
    private static final String PLAIN = "[A-Za-z0-9_.-]+";

    private final String file;
    private final String text;
    private final References references;
    private final List<Statement> statements = new ArrayList<>();
    private final StringBuilder current = new StringBuilder();
    private final List<String> words = new ArrayList<>();
    private int position;
    private int line = 1;
    private int startLine;
    private boolean inSet;
    private int openCases;
    private int memberStart; // in current
    private final List<String> members = new ArrayList<>();

    private ScriptReader(String file, String text, References references) {
        this.file = file;
        this.text = text;
        this.references = references;
    }

    /** The statements of a file, UTF-8. */
    public static List<Statement> read(Path path, References references) {
        String name = path.getFileName().toString();
        try {
            return read(name, Files.readString(path, StandardCharsets.UTF_8), references);
        } catch (IOException error) {
            throw new ScriptException("Cannot read the script " + path + ": " + error);
        }
    }

    /** The statements of a text. */
    public static List<Statement> read(String file, String text, References references) {
        return new ScriptReader(file, text, references).statements();
    }

    private List<Statement> statements() {
        while (position < text.length()) {
            next();
        }
        if (inSet) {
            throw new ScriptException(where() + ": the statement set has no END");
        }
        finish();
        return statements;
    }

    private void next() {
        char c = text.charAt(position);
        if (text.startsWith("--", position)) {
            skipTo(text.indexOf('\n', position), text.length());
        } else if (text.startsWith("/*", position) && !text.startsWith("/*+", position)) {
            int end = text.indexOf("*/", position + 2);
            if (end < 0) {
                throw new ScriptException(where() + ": a comment has no end");
            }
            skipTo(end + 2, text.length());
            append(" ");
        } else if (c == '\'' || c == '`' || c == '"') {
            quoted(c);
        } else if (text.startsWith("${", position)) {
            String value = reference();
            if (!value.matches(PLAIN)) {
                throw new ScriptException(where() + ": outside of quotes a reference must stand for a plain word");
            }
            append(value);
        } else if (c == ';') {
            if (inSet) {
                advance();
                endMember(current.length() - 1);
            } else {
                position++;
                finish();
            }
        } else if (Character.isJavaIdentifierStart(c)) {
            word();
        } else {
            advance();
        }
    }

    private void quoted(char quote) {
        int openedOn = line;
        advance();
        while (position < text.length() && text.charAt(position) != quote) {
            if (text.startsWith("${", position)) {
                String mark = String.valueOf(quote);
                append(reference().replace(mark, mark + mark));
            } else {
                advance();
            }
        }
        if (position >= text.length()) {
            throw new ScriptException(file + ", line " + openedOn + ": a " + quote + " is not closed");
        }
        advance();
    }

    private String reference() {
        int end = text.indexOf('}', position);
        String name = end < 0 ? "" : text.substring(position + 2, end);
        if (name.isEmpty() || name.contains("\n")) {
            throw new ScriptException(file + ", line " + line + ": a reference is not closed");
        }
        String value = references.get(name, file + ", line " + line);
        position = end + 1;
        return value;
    }

    /** Follows the words that open and close a statement set; END also closes CASE. */
    private void word() {
        int start = position;
        while (position < text.length() && Character.isJavaIdentifierPart(text.charAt(position))) {
            advance();
        }
        String word = text.substring(start, position).toUpperCase(Locale.ROOT);
        words.add(word);
        if (word.equals("BEGIN") && (words.size() == 1 || words.equals(List.of("EXECUTE", "STATEMENT", "SET", "BEGIN")))) {
            inSet = true;
            memberStart = current.length();
        } else if (word.equals("CASE")) {
            openCases++;
        } else if (word.equals("END")) {
            if (openCases > 0) {
                openCases--;
            } else if (inSet) {
                endMember(start(word));
                inSet = false;
            }
        }
    }

    private int start(String lastWord) {
        return current.length() - lastWord.length();
    }

    private void endMember(int end) {
        String member = current.substring(memberStart, end).strip();
        // The opening of the form BEGIN STATEMENT SET; … END is no member.
        if (!member.isEmpty() && !member.equalsIgnoreCase("STATEMENT SET")) {
            members.add(member);
        }
        memberStart = current.length();
    }

    private void advance() {
        char c = text.charAt(position++);
        append(String.valueOf(c));
        if (c == '\n') {
            line++;
        }
    }

    private void append(String part) {
        if (current.isEmpty()) {
            if (part.isBlank()) {
                return;
            }
            startLine = line;
        }
        current.append(part);
    }

    /** Leaves a comment out, but counts its lines and keeps them, so that Flink's own line numbers fit. */
    private void skipTo(int end, int otherwise) {
        int stop = end < 0 ? otherwise : end;
        for (; position < stop; position++) {
            if (text.charAt(position) == '\n') {
                line++;
                if (!current.isEmpty()) {
                    current.append('\n');
                }
            }
        }
    }

    private void finish() {
        String statement = current.toString().strip();
        if (!statement.isEmpty()) {
            List<String> inserts = members.isEmpty() ? List.of(statement) : List.copyOf(members);
            statements.add(new Statement(file, statements.size() + 1, startLine, statement, inserts));
        }
        members.clear();
        current.setLength(0);
        words.clear();
        openCases = 0;
    }

    private String where() {
        return file + ", statement " + (statements.size() + 1) + " (line " + line + ")";
    }
}
