package carbon.flink.anomaly;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Writes the detector's state; a version number in front lets a later form still read an older one. */
public final class PriceWindowSerializer extends TypeSerializerSingleton<PriceWindow> {
    private static final int VERSION = 1;

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public PriceWindow createInstance() {
        return new PriceWindow();
    }

    @Override
    public PriceWindow copy(PriceWindow from) {
        return from.copy();
    }

    @Override
    public PriceWindow copy(PriceWindow from, PriceWindow reuse) {
        return from.copy();
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(PriceWindow window, DataOutputView target) throws IOException {
        target.writeByte(VERSION);
        window.write(target);
    }

    @Override
    public PriceWindow deserialize(DataInputView source) throws IOException {
        int version = source.readByte();
        if (version != VERSION) {
            throw new IOException("State of the anomaly detector has version " + version + ", this program reads " + VERSION);
        }
        return PriceWindow.read(source);
    }

    @Override
    public PriceWindow deserialize(PriceWindow reuse, DataInputView source) throws IOException {
        return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public TypeSerializerSnapshot<PriceWindow> snapshotConfiguration() {
        return new Snapshot();
    }

    /** What a savepoint says about this serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<PriceWindow> {
        public Snapshot() {
            super(PriceWindowSerializer::new);
        }
    }
}
