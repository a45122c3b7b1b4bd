// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

/**
 * How often a test that works by repetition does so. There are three sizes: the gate's, which finds
 * the fault that the test is for; the full one of {@code ./vmm test --full}; and a small one for an
 * emulated processor such as the lab's, where the gate's would last for hours.
 */
public final class Repetitions {

    /** System property: {@code on} for all that takes long. */
    public static final String FULL_PROPERTY = "jvmm.full";

    /** System property: {@code emulated} where an emulator runs the tests. */
    public static final String SIZE_PROPERTY = "jvmm.repetitions";

    private static final String EMULATED = "emulated";
    private static final int EMULATED_SHARE = 10;

    private Repetitions() {}

    /** Whether this is a run of all that there is, however long it takes. */
    public static boolean isFull() {
        return "on".equals(System.getProperty(FULL_PROPERTY));
    }

    /**
     * The number of repetitions here of a test whose full size is the gate's; a tenth of it, but at
     * least one, on an emulated processor.
     */
    public static int of(int gate) {
        return of(gate, gate, Math.max(1, gate / EMULATED_SHARE));
    }

    /**
     * The number of repetitions here.
     *
     * @param gate a number that finds the fault that the test is for
     * @param full the number when time does not matter
     * @param emulated a number that an emulated processor does in some seconds
     */
    public static int of(int gate, int full, int emulated) {
        if (EMULATED.equals(System.getProperty(SIZE_PROPERTY))) {
            return emulated;
        }
        return isFull() ? full : gate;
    }
}
