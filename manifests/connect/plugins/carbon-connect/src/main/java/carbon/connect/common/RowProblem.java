package carbon.connect.common;

/** A row that gives no record: it lacks a value it needs, or has one that does not fit. */
public final class RowProblem extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean missing;

    private RowProblem(String message, boolean missing) {
        super(message, null, false, false);
        this.missing = missing;
    }

    /** A value is absent. */
    public static RowProblem missing(String message) {
        return new RowProblem(message, true);
    }

    /** A value does not fit. */
    public static RowProblem wrong(String message) {
        return new RowProblem(message, false);
    }

    /** Whether a value is only absent, which APIs do for days without one. */
    public boolean isMissing() {
        return missing;
    }
}
