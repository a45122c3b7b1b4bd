// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

/** The copy that all dictionary coders share: repeat what was written a little earlier. */
final class Matches {

    private Matches() {}

    /**
     * Writes {@code length} bytes at {@code position} that repeat those {@code offset} bytes back;
     * source and target may overlap. Scribbles over up to seven bytes more, see {@link
     * Output#SLACK}.
     */
    static void copy(byte[] target, int position, int offset, int length) {
        int from = position - offset;
        if (offset >= length && length > 32) {
            System.arraycopy(target, from, target, position, length);
        } else if (offset >= 8) {
            // Each step reads only what is written already: it is no wider than the offset.
            for (int i = 0; i < length; i += 8) {
                LittleEndian.putI64(target, position + i, LittleEndian.i64(target, from + i));
            }
        } else {
            for (int i = 0; i < length; i++) {
                target[position + i] = target[from + i];
            }
        }
    }
}
