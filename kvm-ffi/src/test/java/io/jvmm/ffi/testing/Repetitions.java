package io.jvmm.ffi.testing;

/**
 * How often a test that works by repetition does so. Where a CPU is emulated, as in the lab, the
 * same number of repetitions would last for hours; there {@link #DIVISOR_PROPERTY} lowers it.
 */
public final class Repetitions {

    /** System property with the number by which repetitions are divided. */
    public static final String DIVISOR_PROPERTY = "jvmm.repetitions.divisor";

    private Repetitions() {}

    /**
     * The number of repetitions here.
     *
     * @param full how many there are on a host that runs at its own speed
     * @return as many, or a part of them; never less than one
     */
    public static int of(int full) {
        return Math.max(1, full / Integer.getInteger(DIVISOR_PROPERTY, 1));
    }
}
