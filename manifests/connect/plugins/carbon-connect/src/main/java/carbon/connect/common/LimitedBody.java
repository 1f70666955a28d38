package carbon.connect.common;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;

/** Collects an answer's bytes up to a limit; a larger answer is cut off and fails with {@link TooLarge}. */
public final class LimitedBody implements BodySubscriber<byte[]> {
    /** The answer has more bytes than allowed. */
    public static final class TooLarge extends IOException {
        private static final long serialVersionUID = 1L;

        TooLarge(int limit) {
            super("the answer is larger than " + limit + " bytes");
        }
    }

    private final BodySubscriber<byte[]> collected = BodySubscribers.ofByteArray();
    private final int limit;
    private long received;
    private Subscription subscription;

    /** A body of at most so many bytes. */
    public LimitedBody(int limit) {
        this.limit = limit;
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return collected.getBody();
    }

    @Override
    public void onSubscribe(Subscription upstream) {
        subscription = upstream;
        collected.onSubscribe(upstream);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        received += buffers.stream().mapToLong(ByteBuffer::remaining).sum();
        if (received > limit) {
            subscription.cancel();
            collected.onError(new TooLarge(limit));
        } else {
            collected.onNext(buffers);
        }
    }

    @Override
    public void onError(Throwable error) {
        collected.onError(error);
    }

    @Override
    public void onComplete() {
        collected.onComplete();
    }
}
