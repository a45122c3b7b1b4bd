package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Where a vCPU leaves the guest with {@link KvmConstants#KVM_EXIT_DEBUG} for its monitor's sake
 * ({@code struct kvm_guest_debug}). While it is on, the guest's own breakpoints are off.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, {@code KVM_SET_GUEST_DEBUG}.
 *
 * @param control {@code KVM_GUESTDBG_*}
 * @param address linear, of the first breakpoint
 * @param dr7 what is on, as in the register of that name
 */
public record GuestDebug(int control, long address, long dr7) {

    static final int SIZE = 72;
    static final long CONTROL = 0;
    static final long REGISTERS = 8;

    static final int KVM_GUESTDBG_ENABLE = 1;
    static final int KVM_GUESTDBG_SINGLESTEP = 2;
    static final int KVM_GUESTDBG_USE_HW_BP = 0x2_0000;

    private static final int DR7 = 7;
    private static final long DR7_RESERVED = 1 << 10;

    /** The first breakpoint is on, and is one of instructions (SDM volume 3, 18.2.4). */
    private static final long DR7_FIRST = 1;

    /** After the next instruction. */
    public static final GuestDebug STEP =
            new GuestDebug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0, 0);

    /** Before the instruction at a linear address, each time. */
    public static GuestDebug before(long linear) {
        return new GuestDebug(
                KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, linear, DR7_RESERVED | DR7_FIRST);
    }

    void write(MemorySegment m) {
        m.set(JAVA_INT, CONTROL, control);
        m.set(JAVA_LONG, REGISTERS, address);
        m.set(JAVA_LONG, REGISTERS + DR7 * Long.BYTES, dr7);
    }
}
