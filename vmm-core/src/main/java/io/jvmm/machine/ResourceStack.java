// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/**
 * Hands out numbers of a window, from its start up: addresses or interrupt lines for devices that
 * have no traditional place. The same requests in the same order get the same numbers, so that a
 * machine that is restored has its devices where they were. For one thread.
 */
final class ResourceStack {

    private final String what;
    private final long end;
    private long next;

    /**
     * @param what is handed out, for messages
     * @param base first number
     * @param size how many there are
     */
    ResourceStack(String what, long base, long size) {
        this.what = what;
        this.next = base;
        this.end = Math.addExact(base, size);
    }

    /**
     * Takes numbers that follow one another.
     *
     * @param count how many
     * @param alignment the first is a multiple of it; a power of two
     * @return the first
     * @throws MachineException there are not that many left
     */
    long take(long count, long alignment) {
        if (count <= 0 || alignment <= 0 || Long.bitCount(alignment) != 1) {
            throw new IllegalArgumentException(
                    "0x%x of %s, aligned to 0x%x".formatted(count, what, alignment));
        }
        long first = (next + alignment - 1) & -alignment;
        if (first < next || count > end - first) {
            throw new MachineException(
                    "there are no 0x%x of %s left for a device".formatted(count, what));
        }
        next = first + count;
        return first;
    }
}
