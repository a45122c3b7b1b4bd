// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

/** Checks arrays whose size the kernel takes for granted. */
final class Sizes {

    private Sizes() {}

    /**
     * Refuses content of another size, which the kernel would read beyond its end.
     *
     * @throws IllegalArgumentException if the size is another
     */
    static void require(String what, byte[] content, int expected) {
        if (content.length != expected) {
            throw new IllegalArgumentException(
                    "%s has %d bytes, not %d".formatted(what, expected, content.length));
        }
    }
}
