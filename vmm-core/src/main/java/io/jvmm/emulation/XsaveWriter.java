// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The instructions of the {@code XSAVE} family (SDM volume 1, 13.7, 13.9 to 13.11). */
final class XsaveWriter {

    private static final int ALIGNMENT = 64;
    private static final long COMPACTED = 1L << 63;
    private static final int X87_REGISTERS = 32;

    /** Bytes to write at an offset of the area. */
    private static final class Part {
        final int at;
        final byte[] content;

        Part(int at, byte[] content) {
            this.at = at;
            this.content = content;
        }
    }

    private final Execution x;
    private final ExtendedRegisters extended;
    private final XsaveLayout layout;
    private final LegacyRegion legacy;
    private final List<Part> parts = new ArrayList<>();

    XsaveWriter(Execution x) {
        this.x = x;
        this.extended = x.extended();
        this.layout = extended.layout();
        this.legacy = LegacyRegion.of(x);
    }

    /** {@code XSAVE}: the components asked for, each whether it is initial or not. */
    void save() {
        standard(-1L);
    }

    /** {@code XSAVEOPT}: those that are not initial. Nothing is known of what was saved before. */
    void saveOptimised() {
        standard(extended.inUse());
    }

    private void standard(long worth) {
        long requested = StateInstructions.mask(x.cpu()) & extended.state().xcr0();
        long linear = address(layout.areaSize(requested, false));
        byte[] header = x.loadBytes(linear + ExtendedRegisters.XSTATE_BV, Long.BYTES);
        long valid = LittleEndian.getLong(header, 0);
        LittleEndian.putLong(header, 0, (valid & ~requested) | (extended.inUse() & requested));
        legacy(requested & worth, (requested & 6) != 0);
        components(requested & worth, requested, false);
        parts.add(new Part(ExtendedRegisters.XSTATE_BV, header));
        write(linear);
    }

    /** {@code XSAVEC}: those that are not initial, side by side. */
    void saveCompacted() {
        saveCompacted(extended.state().xcr0());
    }

    /**
     * {@code XSAVES}: as {@code XSAVEC}.
     *
     * @param enabled the components that are turned on
     */
    void saveCompacted(long enabled) {
        long requested = StateInstructions.mask(x.cpu()) & enabled;
        long linear = address(layout.areaSize(requested, true));
        long valid = requested & extended.inUseWithMxcsr();
        legacy(valid, (valid & 1 << XsaveLayout.SSE) != 0);
        components(valid, requested, true);
        byte[] header = new byte[2 * Long.BYTES];
        LittleEndian.putLong(header, 0, valid);
        LittleEndian.putLong(header, Long.BYTES, requested | COMPACTED);
        parts.add(new Part(ExtendedRegisters.XSTATE_BV, header));
        write(linear);
    }

    private long address(int size) {
        long linear = x.address(size, true);
        if (linear % ALIGNMENT != 0) {
            throw GuestFault.generalProtection();
        }
        // Before the header is read: the fault is that of a write.
        x.probeWrite(linear, XsaveLayout.EXTENDED);
        return linear;
    }

    private void legacy(long components, boolean withMxcsr) {
        byte[] area = legacy.saved();
        if ((components & 1 << XsaveLayout.X87) != 0) {
            part(area, 0, ExtendedRegisters.MXCSR);
            part(area, X87_REGISTERS, ExtendedRegisters.XMM);
        }
        if (withMxcsr) {
            part(area, ExtendedRegisters.MXCSR, X87_REGISTERS);
        }
        if ((components & 1 << XsaveLayout.SSE) != 0) {
            part(area, ExtendedRegisters.XMM, legacy.vectorsEnd());
        }
    }

    private void part(byte[] area, int from, int to) {
        parts.add(new Part(from, Arrays.copyOfRange(area, from, to)));
    }

    private void components(long written, long present, boolean compact) {
        for (int i = XsaveLayout.AVX; i < XsaveLayout.COMPONENTS; i++) {
            if ((written & 1L << i) != 0) {
                int at = layout.offset(i);
                byte[] content = Arrays.copyOfRange(extended.image(), at, at + layout.size(i));
                parts.add(new Part(compact ? layout.compactOffset(i, present) : at, content));
            }
        }
    }

    private void write(long linear) {
        for (Part part : parts) {
            x.probeWrite(linear + part.at, part.content.length);
        }
        for (Part part : parts) {
            x.storeBytes(linear + part.at, part.content);
        }
    }
}
