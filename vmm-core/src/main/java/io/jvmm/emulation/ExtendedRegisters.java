// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import java.util.Arrays;

/**
 * The extended registers of a vCPU while one instruction is completed: fetched when the first is
 * touched, given back when the instruction has succeeded and has changed one.
 *
 * <p>Works on the standard form of {@code XSAVE}. A component whose bit in XSTATE_BV is clear is in
 * its initial state; reading gives that, and writing sets the bit.
 */
final class ExtendedRegisters implements PageWalker.ProtectionKeys {

    /** Offsets in the legacy region (SDM volume 1, 10.5.1). */
    static final int CONTROL = 0;

    static final int STATUS = 2;
    static final int MXCSR = 24;
    static final int MXCSR_MASK = 28;
    static final int XMM = 160;

    /** Offsets in the header. */
    static final int XSTATE_BV = XsaveLayout.LEGACY_SIZE;

    static final int XCOMP_BV = XSTATE_BV + 8;

    static final int MXCSR_INITIAL = 0x1F80;
    private static final int CONTROL_INITIAL = 0x37F;
    private static final int XMM_BYTES = 16;
    private static final int ZMM_HIGH_BYTES = 32;

    private final ExtendedState state;
    private final XsaveLayout layout;
    private byte[] image = new byte[0];
    private boolean loaded;
    private boolean changed;

    ExtendedRegisters(ExtendedState state, XsaveLayout layout) {
        this.state = state;
        this.layout = layout;
    }

    XsaveLayout layout() {
        return layout;
    }

    ExtendedState state() {
        return state;
    }

    /** The registers in standard form, every component as it is, initial or not. */
    byte[] image() {
        if (!loaded) {
            image = state.registers();
            loaded = true;
            normalise();
        }
        return image;
    }

    /** Puts initial values where XSTATE_BV says that there are such. */
    private void normalise() {
        long valid = LittleEndian.getLong(image, XSTATE_BV);
        if ((valid & 1 << XsaveLayout.X87) == 0) {
            initialX87();
        }
        if ((valid & 1 << XsaveLayout.SSE) == 0) {
            Arrays.fill(image, XMM, XMM + 16 * XMM_BYTES, (byte) 0);
            if ((valid & 1 << XsaveLayout.AVX) == 0) {
                LittleEndian.putInt(image, MXCSR, MXCSR_INITIAL);
            }
        }
        for (int i = XsaveLayout.AVX; i < XsaveLayout.COMPONENTS; i++) {
            if ((valid & 1L << i) == 0) {
                clear(i);
            }
        }
    }

    /** The x87 registers after {@code FNINIT}. */
    void initialX87() {
        Arrays.fill(image, 0, MXCSR, (byte) 0);
        Arrays.fill(image, 32, XMM, (byte) 0);
        LittleEndian.put(image, CONTROL, 2, CONTROL_INITIAL);
    }

    private void clear(int component) {
        int at = layout.offset(component);
        int end = Math.min(image.length, at + layout.size(component));
        if (at < end) {
            Arrays.fill(image, at, end, (byte) 0);
        }
    }

    /** Which components are not in their initial state. */
    long inUse() {
        return LittleEndian.getLong(image(), XSTATE_BV);
    }

    /** The same, where an MXCSR that is not initial counts as SSE (SDM volume 1, 13.6). */
    long inUseWithMxcsr() {
        long components = inUse();
        return mxcsr() == MXCSR_INITIAL ? components : components | 1 << XsaveLayout.SSE;
    }

    /** Notes that components were written, in {@link #image}. */
    void changed(long components) {
        LittleEndian.putLong(image, XSTATE_BV, inUse() | components);
        changed = true;
    }

    /** Puts a component in its initial state. */
    void initialise(int component) {
        long bit = 1L << component;
        byte[] all = image();
        switch (component) {
            case XsaveLayout.X87 -> initialX87();
            case XsaveLayout.SSE -> Arrays.fill(all, XMM, XMM + 16 * XMM_BYTES, (byte) 0);
            default -> clear(component);
        }
        LittleEndian.putLong(all, XSTATE_BV, inUse() & ~bit);
        changed = true;
    }

    /** Gives changes back. */
    void commit() {
        if (!changed) {
            return;
        }
        if (mxcsr() != MXCSR_INITIAL) {
            // The kernel takes MXCSR only with one of the components that use it.
            changed(1 << XsaveLayout.SSE);
        }
        state.registers(image);
    }

    int mxcsr() {
        return LittleEndian.getInt(image(), MXCSR);
    }

    /**
     * Sets MXCSR.
     *
     * @throws GuestFault a reserved bit is set
     */
    void mxcsr(int value) {
        requireValidMxcsr(value);
        LittleEndian.putInt(image(), MXCSR, value);
        changed(1 << XsaveLayout.SSE);
    }

    /** Raises a general protection fault if a reserved bit of MXCSR is set. */
    void requireValidMxcsr(int value) {
        if ((value & ~mxcsrMask()) != 0) {
            throw GuestFault.generalProtection();
        }
    }

    /** The bits that MXCSR has; every processor with SSE2 has the lower 16. */
    int mxcsrMask() {
        int mask = LittleEndian.getInt(image(), MXCSR_MASK);
        return mask == 0 ? 0xFFFF : mask;
    }

    /** The x87 status word. */
    int statusWord() {
        return (int) LittleEndian.get(image(), STATUS, 2);
    }

    @Override
    public int pkru() {
        int at = layout.offset(XsaveLayout.PKRU);
        return layout.size(XsaveLayout.PKRU) == 0 ? 0 : LittleEndian.getInt(image(), at);
    }

    /** The vector register's low 16 or 32 bytes; the upper half is zero if 16. */
    long[] vector(int number, int bytes) {
        byte[] all = image();
        long[] value = new long[4];
        int low = XMM + number * XMM_BYTES;
        value[0] = LittleEndian.getLong(all, low);
        value[1] = LittleEndian.getLong(all, low + 8);
        if (bytes == 32) {
            int high = layout.offset(XsaveLayout.AVX) + number * XMM_BYTES;
            value[2] = LittleEndian.getLong(all, high);
            value[3] = LittleEndian.getLong(all, high + 8);
        }
        return value;
    }

    /** Sets the low 16 bytes and keeps the rest, as instructions without VEX do. */
    void legacyVector(int number, long[] value) {
        byte[] all = image();
        int low = XMM + number * XMM_BYTES;
        LittleEndian.putLong(all, low, value[0]);
        LittleEndian.putLong(all, low + 8, value[1]);
        changed(1 << XsaveLayout.SSE);
    }

    /** Sets the low 32 bytes and clears the rest, as instructions with VEX do. */
    void wideVector(int number, long[] value) {
        legacyVector(number, value);
        int high = layout.offset(XsaveLayout.AVX) + number * XMM_BYTES;
        LittleEndian.putLong(image, high, value[2]);
        LittleEndian.putLong(image, high + 8, value[3]);
        changed(1 << XsaveLayout.AVX);
        if ((inUse() & 1 << XsaveLayout.ZMM_HIGH) != 0) {
            int top = layout.offset(XsaveLayout.ZMM_HIGH) + number * ZMM_HIGH_BYTES;
            Arrays.fill(image, top, top + ZMM_HIGH_BYTES, (byte) 0);
        }
    }
}
