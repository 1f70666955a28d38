package carbon.connect.common;

import java.util.function.LongConsumer;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Where a sink goes on in one partition: what the target already holds is not taken twice.
 *
 * <p>The target is asked once, after each assignment, up to where it holds the partition. Kafka's committed offset is behind
 * that after a crash between the write and the commit; the records between the two are passed over. Should Kafka have nothing
 * at that place, it starts the partition anew, and that must not look like records already held: it is an error.
 */
public final class Continuation {
    private static final long NOWHERE = -1;

    private final String partition;
    private final long held;
    private long next;
    private long soughtIn = NOWHERE;

    /**
     * Begin after an assignment.
     *
     * @param partition as messages name it
     * @param held first offset that the target does not hold; 0 when it holds nothing
     */
    public Continuation(String partition, long held) {
        this.partition = partition;
        this.held = held;
        this.next = held;
    }

    /**
     * Whether a record is new to the target and to this task. It stays so until {@link #taken}.
     *
     * @param offset of the record
     * @param delivery number of the call that brought it; the same when the worker brings a batch again
     * @param seek asks the worker to read on from an offset
     * @throws ConnectException when the topic no longer is the one that the target holds
     */
    public boolean isNew(long offset, long delivery, LongConsumer seek) {
        if (offset < held && offset < next) {
            passOver(offset, delivery, seek);
        }
        return offset >= next;
    }

    /** A record has been taken in; when it comes again, it is not new. */
    public void taken(long offset) {
        next = offset + 1;
    }

    private void passOver(long offset, long delivery, LongConsumer seek) {
        if (soughtIn == NOWHERE) {
            soughtIn = delivery;
            seek.accept(held);
        } else if (delivery != soughtIn) {
            throw new ConnectException("The target holds " + partition + " up to offset " + held + ", but the topic has nothing there and "
                + "begins again with offset " + offset + ": it was deleted and made anew. Let the sink begin anew as well: reset the offsets "
                + "of this connector, or give it a new place or name to write under.");
        }
    }
}
