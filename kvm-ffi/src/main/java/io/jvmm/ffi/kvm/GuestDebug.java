// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Where a vCPU leaves the guest with {@link KvmConstants#KVM_EXIT_DEBUG} for its monitor's sake
 * ({@code struct kvm_guest_debug}). While hardware breakpoints are on, the guest's own are off.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, {@code KVM_SET_GUEST_DEBUG}.
 *
 * @param step after the next instruction
 * @param softwareBreakpoints at each breakpoint instruction ({@code int3}) of the guest
 * @param breakpoints up to four; they are in the debug registers in this order
 */
public record GuestDebug(boolean step, boolean softwareBreakpoints, List<Breakpoint> breakpoints) {

    /** What a breakpoint waits for, with its value in DR7 (SDM volume 3, 18.2.4). */
    public enum Access {
        /** The instruction at the address is about to be executed; its length is 1. */
        EXECUTE(0),
        /** The bytes are written. */
        WRITE(1),
        /** The bytes are read or written. */
        READ_WRITE(3);

        private final int bits;

        Access(int bits) {
            this.bits = bits;
        }
    }

    /**
     * A hardware breakpoint.
     *
     * @param address linear, a multiple of the length
     * @param length in bytes: 1, 2, 4 or 8
     */
    public record Breakpoint(long address, Access access, int length) {

        /**
         * Checks the length.
         *
         * @throws IllegalArgumentException if no debug register can have it
         */
        public Breakpoint {
            if (Integer.bitCount(length) != 1 || length < 1 || length > Long.BYTES) {
                throw new IllegalArgumentException("a breakpoint of %d bytes".formatted(length));
            }
        }

        private long control(int register) {
            long lengthBits =
                    switch (length) {
                        case 1 -> 0;
                        case 2 -> 1;
                        case 4 -> 3;
                        default -> 2;
                    };
            long settings = lengthBits << 2 | access.bits;
            return 1L << (2 * register) | settings << (16 + 4 * register);
        }
    }

    /** Debug registers for addresses. */
    public static final int MOST_BREAKPOINTS = 4;

    /** Nowhere. */
    public static final GuestDebug NONE = new GuestDebug(false, false, List.of());

    /** After the next instruction. */
    public static final GuestDebug STEP = new GuestDebug(true, false, List.of());

    static final int SIZE = 72;
    static final long CONTROL = 0;
    static final long REGISTERS = 8;

    static final int KVM_GUESTDBG_ENABLE = 1;
    static final int KVM_GUESTDBG_SINGLESTEP = 2;
    static final int KVM_GUESTDBG_USE_SW_BP = 0x1_0000;
    static final int KVM_GUESTDBG_USE_HW_BP = 0x2_0000;

    private static final int DR7 = 7;
    private static final long DR7_RESERVED = 1 << 10;

    /**
     * Keeps a copy.
     *
     * @throws IllegalArgumentException if there are more breakpoints than debug registers
     */
    public GuestDebug {
        breakpoints = List.copyOf(breakpoints);
        if (breakpoints.size() > MOST_BREAKPOINTS) {
            throw new IllegalArgumentException(breakpoints.size() + " breakpoints");
        }
    }

    /** Before the instruction at a linear address, each time. */
    public static GuestDebug before(long linear) {
        return new GuestDebug(false, false, List.of(new Breakpoint(linear, Access.EXECUTE, 1)));
    }

    void write(MemorySegment m) {
        int control = 0;
        if (step) {
            control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
        }
        if (softwareBreakpoints) {
            control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
        }
        long dr7 = DR7_RESERVED;
        for (int register = 0; register < breakpoints.size(); register++) {
            control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
            dr7 |= breakpoints.get(register).control(register);
            m.set(
                    JAVA_LONG,
                    REGISTERS + (long) register * Long.BYTES,
                    breakpoints.get(register).address());
        }
        m.set(JAVA_INT, CONTROL, control);
        m.set(JAVA_LONG, REGISTERS + DR7 * Long.BYTES, dr7);
    }
}
