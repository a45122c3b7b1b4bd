// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

/**
 * What a vCPU of {@link Payload#STRESS} or {@link Payload#PAGES} says to the test that runs it: one
 * 32-bit write to {@link Payload#TEST_PORT}.
 *
 * @param kind what kind of report it is
 * @param worker number of the vCPU, 0 to 63
 * @param value depends on the kind; 22 bits
 */
public record PayloadReport(Kind kind, int worker, int value) {

    /** What a vCPU has to say. The numbers are those of {@code workers/frame.inc}. */
    public enum Kind {
        /** The vCPU begins; the value is its role. */
        UP(1),
        /** A round is over and all was right; the value is the number of rounds, modulo 2^22. */
        PROGRESS(2),
        /** A task is over and all was right; the value is the payload's own. */
        DONE(3),
        /** The vCPU has met an exception and stands still; the value is its vector. */
        EXCEPTION(14),
        /** A check has failed and the vCPU stands still; the value says which. */
        WRONG(15);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        private static Kind of(int code) {
            for (Kind kind : values()) {
                if (kind.code == code) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("no payload reports of kind " + code);
        }
    }

    /**
     * Takes a written value apart.
     *
     * @throws IllegalArgumentException when no payload writes such a value
     */
    public static PayloadReport decode(int written) {
        return new PayloadReport(
                Kind.of(written >>> 28), written >>> 22 & 0x3f, written & 0x3f_ffff);
    }

    /** Whether the vCPU has found something wrong. */
    public boolean isFailure() {
        return kind == Kind.WRONG || kind == Kind.EXCEPTION;
    }
}
