// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/** The instructions of the {@code XRSTOR} family (SDM volume 1, 13.8 and 13.12). */
final class XsaveReader {

    private static final int ALIGNMENT = 64;
    private static final long COMPACTED = 1L << 63;

    /** The header's further bytes, which must be zero: all of them if compacted, else some. */
    private static final int RESERVED = XsaveLayout.LEGACY_SIZE + 16;

    private static final int RESERVED_STANDARD_END = XsaveLayout.LEGACY_SIZE + 24;

    private final Execution x;
    private final ExtendedRegisters extended;
    private final XsaveLayout layout;

    XsaveReader(Execution x) {
        this.x = x;
        this.extended = x.extended();
        this.layout = extended.layout();
    }

    /** {@code XRSTOR}. */
    void restore() {
        long enabled = extended.state().xcr0();
        long linear = address();
        byte[] start = start(linear);
        boolean compact = (xcomp(start) & COMPACTED) != 0;
        restore(linear, start, compact, enabled);
    }

    /**
     * {@code XRSTORS}: the compacted form only.
     *
     * @param enabled the components that are turned on
     */
    void restoreCompacted(long enabled) {
        long linear = address();
        byte[] start = start(linear);
        if ((xcomp(start) & COMPACTED) == 0) {
            throw GuestFault.generalProtection();
        }
        restore(linear, start, true, enabled);
    }

    private long address() {
        long linear = x.address(XsaveLayout.EXTENDED, false);
        if (linear % ALIGNMENT != 0) {
            throw GuestFault.generalProtection();
        }
        return linear;
    }

    private byte[] start(long linear) {
        return x.loadBytes(linear, XsaveLayout.EXTENDED);
    }

    private static long xcomp(byte[] start) {
        return LittleEndian.getLong(start, ExtendedRegisters.XCOMP_BV);
    }

    private void restore(long linear, byte[] start, boolean compact, long enabled) {
        long valid = LittleEndian.getLong(start, ExtendedRegisters.XSTATE_BV);
        long present = xcomp(start) & ~COMPACTED;
        boolean good =
                compact
                        ? (present & ~enabled) == 0 && (valid & ~present) == 0
                        : present == 0 && (valid & ~enabled) == 0;
        int reservedEnd = compact ? XsaveLayout.EXTENDED : RESERVED_STANDARD_END;
        for (int i = RESERVED; i < reservedEnd; i++) {
            good &= start[i] == 0;
        }
        if (!good) {
            throw GuestFault.generalProtection();
        }
        long requested = StateInstructions.mask(x.cpu()) & enabled;
        int mxcsr = mxcsr(start, compact, requested, valid);
        long loaded = requested & valid;
        byte[] area =
                x.loadBytes(
                        linear,
                        layout.areaSize(
                                loaded == 0 ? 0 : compact ? upTo(loaded, present) : loaded,
                                compact));
        extended.requireValidMxcsr(mxcsr);
        vectorsAndX87(start, requested, valid);
        for (int i = XsaveLayout.AVX; i < XsaveLayout.COMPONENTS; i++) {
            long bit = 1L << i;
            if ((loaded & bit) != 0) {
                int at = compact ? layout.compactOffset(i, present) : layout.offset(i);
                System.arraycopy(area, at, extended.image(), layout.offset(i), layout.size(i));
                extended.changed(bit);
            } else if ((requested & bit) != 0) {
                extended.initialise(i);
            }
        }
        if (mxcsr != extended.mxcsr()) {
            extended.mxcsr(mxcsr);
        }
    }

    /** The components of a compacted area up to the last that is loaded. */
    private static long upTo(long loaded, long present) {
        return present & (Long.highestOneBit(loaded) * 2 - 1);
    }

    /** The new MXCSR, which belongs to SSE if compacted, else to SSE and AVX. */
    private int mxcsr(byte[] start, boolean compact, long requested, long valid) {
        long users = compact ? 1 << XsaveLayout.SSE : 1 << XsaveLayout.SSE | 1 << XsaveLayout.AVX;
        if ((requested & users) == 0) {
            return extended.mxcsr();
        }
        return compact && (valid & users) == 0
                ? ExtendedRegisters.MXCSR_INITIAL
                : LittleEndian.getInt(start, ExtendedRegisters.MXCSR);
    }

    private void vectorsAndX87(byte[] start, long requested, long valid) {
        LegacyRegion legacy = LegacyRegion.of(x);
        if ((requested & 1 << XsaveLayout.X87) != 0) {
            if ((valid & 1 << XsaveLayout.X87) != 0) {
                legacy.restoreX87(start);
            } else {
                extended.initialise(XsaveLayout.X87);
            }
        }
        if ((requested & 1 << XsaveLayout.SSE) != 0) {
            if ((valid & 1 << XsaveLayout.SSE) != 0) {
                legacy.restoreVectors(start);
            } else {
                extended.initialise(XsaveLayout.SSE);
            }
        }
    }
}
