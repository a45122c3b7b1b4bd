package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * State in the kernel's own form, of which only the size is known here: immutable, and equal to
 * another by content.
 */
public final class KvmBlob {

    /** No bytes. */
    public static final KvmBlob EMPTY = new KvmBlob(new byte[0]);

    private final byte[] content;

    private KvmBlob(byte[] content) {
        this.content = content;
    }

    /** {@return a copy of the array} */
    public static KvmBlob copyOf(byte... content) {
        return new KvmBlob(content.clone());
    }

    static KvmBlob read(MemorySegment segment) {
        return new KvmBlob(segment.toArray(JAVA_BYTE));
    }

    void write(MemorySegment segment) {
        MemorySegment.copy(content, 0, segment, JAVA_BYTE, 0, content.length);
    }

    /** {@return the number of bytes} */
    public int length() {
        return content.length;
    }

    /** {@return the bytes in a new array} */
    public byte[] toArray() {
        return content.clone();
    }

    /**
     * Refuses content of another size, which the kernel would read beyond its end.
     *
     * @throws IllegalArgumentException if the size is another
     */
    KvmBlob requireLength(String what, int expected) {
        if (content.length != expected) {
            throw new IllegalArgumentException(
                    "%s has %d bytes, not %d".formatted(what, expected, content.length));
        }
        return this;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KvmBlob that && Arrays.equals(content, that.content);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(content);
    }

    @Override
    public String toString() {
        return content.length + " bytes";
    }
}
