// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

/**
 * How the state of one kind of component travels.
 *
 * @param <S> the record that holds the state
 */
public interface StateCodec<S> {

    /**
     * {@return the name of the kind: lower-case letters, digits, dots and dashes, at most 48} It is
     * part of the format and never changes.
     */
    String kind();

    /** {@return the version that {@link #write} writes; the first is 1} */
    int version();

    /** {@return the oldest version that {@link #read} reads} */
    default int oldestVersion() {
        return 1;
    }

    /**
     * Writes a state in the current version.
     *
     * @param state to write
     * @param out where to
     */
    void write(S state, StateWriter out);

    /**
     * Reads a state. What the reader throws passes through; an {@link IllegalArgumentException} of
     * the state's constructor says that the values do not fit together.
     *
     * @param version of the bytes, from {@link #oldestVersion} to {@link #version}
     * @param in where from
     * @return the state
     */
    S read(int version, StateReader in);
}
