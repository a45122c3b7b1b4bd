// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import java.util.Arrays;

/** A sequence of bytes that never changes and is equal to another by content. */
public final class Bytes {

    /** No bytes. */
    public static final Bytes EMPTY = new Bytes(new byte[0]);

    private final byte[] content;

    private Bytes(byte[] content) {
        this.content = content;
    }

    /** {@return a copy of the array} */
    public static Bytes copyOf(byte... content) {
        return new Bytes(content.clone());
    }

    /**
     * Takes the array over; its giver keeps no reference to it.
     *
     * @return the bytes
     */
    static Bytes wrap(byte[] content) {
        return new Bytes(content);
    }

    /** {@return the number of bytes} */
    public int length() {
        return content.length;
    }

    /**
     * Gives one byte.
     *
     * @return 0 to 255
     * @throws IndexOutOfBoundsException if there is no byte at the index
     */
    public int at(int index) {
        return content[index] & 0xFF;
    }

    /** {@return the bytes in a new array} */
    public byte[] toArray() {
        return content.clone();
    }

    /** The array itself, for readers and writers of this package. */
    byte[] shared() {
        return content;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Bytes that && Arrays.equals(content, that.content);
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
