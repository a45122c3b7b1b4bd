// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/** The bytes of an instruction, one after the other; more are fetched from the guest as needed. */
final class InstructionBytes {

    /** No instruction is longer (SDM volume 3, 7.15, "general protection"). */
    static final int LONGEST = 15;

    /** Where bytes come from that were not given. */
    @FunctionalInterface
    interface Source {
        /**
         * One or more bytes at an offset from the instruction's start.
         *
         * @throws GuestFault they cannot be fetched
         */
        byte[] fetch(int offset, int atMost);
    }

    private final byte[] bytes = new byte[LONGEST];
    private final Source source;
    private int count;
    private int position;

    /**
     * @param given the first bytes, as far as they are known
     */
    InstructionBytes(byte[] given, Source source) {
        this.source = source;
        keep(given);
    }

    private void keep(byte[] more) {
        int length = Math.min(more.length, LONGEST - count);
        System.arraycopy(more, 0, bytes, count, length);
        count += length;
    }

    /** The next byte, 0 to 255. */
    int next() {
        int value = peek();
        position++;
        return value;
    }

    /** The byte after those read, 0 to 255. */
    int peek() {
        if (position == LONGEST) {
            throw GuestFault.generalProtection();
        }
        while (position >= count) {
            byte[] more = source.fetch(count, LONGEST - count);
            if (more.length == 0) {
                throw new Refusal("its bytes cannot be fetched");
            }
            keep(more);
        }
        return Byte.toUnsignedInt(bytes[position]);
    }

    /** The next 4 bytes. */
    int nextInt() {
        return next() | next() << 8 | next() << 16 | next() << 24;
    }

    /** How many were read. */
    int position() {
        return position;
    }

    /** What is known of the instruction. */
    byte[] known() {
        return java.util.Arrays.copyOf(bytes, count);
    }
}
