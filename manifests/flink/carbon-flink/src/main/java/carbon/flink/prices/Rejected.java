package carbon.flink.prices;

/** Says why a raw price cannot be used; the message goes to the dead-letter topic and never repeats the payload. */
final class Rejected extends Exception {
    Rejected(String reason) {
        // A poison message is data, not a fault of the program: no stack trace, which would cost more than the parsing.
        super(reason, null, false, false);
    }
}
