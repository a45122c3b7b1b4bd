// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * What is on its way into a vCPU and not delivered yet ({@code struct kvm_vcpu_events}), a copy.
 *
 * @param sipiVector where a processor that got a start-up interrupt begins; only with its flag
 * @param flags {@code KVM_VCPUEVENT_VALID_*}: which of the optional parts count when this is set
 * @param tripleFaultPending whether the guest has died already; only with its flag
 */
public record VcpuEvents(
        PendingException exception,
        Interrupt interrupt,
        Nmi nmi,
        Smi smi,
        int sipiVector,
        int flags,
        boolean tripleFaultPending) {

    static final int SIZE = 64;
    static final long EXCEPTION = 0;
    static final long EXCEPTION_ERROR_CODE = 4;
    static final long INTERRUPT = 8;
    static final long NMI = 12;
    static final long SIPI_VECTOR = 16;
    static final long FLAGS = 20;
    static final long SMI = 24;
    static final long TRIPLE_FAULT = 28;
    static final long EXCEPTION_HAS_PAYLOAD = 55;
    static final long EXCEPTION_PAYLOAD = 56;

    /**
     * An exception.
     *
     * @param injected whether the processor is delivering it
     * @param number its vector, 0 to 31
     * @param pending whether it was raised and may still be intercepted; only with its flag
     * @param payload CR2 or DR6, set when the exception is delivered; only with its flag
     */
    public record PendingException(
            boolean injected,
            int number,
            boolean hasErrorCode,
            boolean pending,
            int errorCode,
            boolean hasPayload,
            long payload) {}

    /**
     * A maskable interrupt.
     *
     * @param injected whether the processor is delivering it
     * @param vector 0 to 255
     * @param soft whether an {@code INT} instruction asked for it
     * @param shadow {@code KVM_X86_SHADOW_INT_*}: interrupts wait for one more instruction, after
     *     {@code STI} (2) or {@code MOV SS} (1); only with its flag
     */
    public record Interrupt(boolean injected, int vector, boolean soft, int shadow) {}

    /**
     * The non-maskable interrupt.
     *
     * @param pending how many wait, 0 to 2; only with its flag
     * @param masked whether one is being handled
     */
    public record Nmi(boolean injected, int pending, boolean masked) {}

    /**
     * System management; only with its flag.
     *
     * @param latchedInit whether an INIT waits for the end of system management mode
     */
    public record Smi(boolean active, boolean pending, boolean insideNmi, boolean latchedInit) {}

    /**
     * These events after one instruction of the guest was completed: the interrupt shadow is over,
     * and what other threads may change meanwhile (the number of pending NMIs) is left alone.
     */
    public VcpuEvents afterInstruction() {
        return new VcpuEvents(
                exception,
                new Interrupt(interrupt.injected, interrupt.vector, interrupt.soft, 0),
                nmi,
                smi,
                sipiVector,
                KvmConstants.KVM_VCPUEVENT_VALID_SHADOW,
                tripleFaultPending);
    }

    /** These events with an exception that the processor delivers before the next instruction. */
    public VcpuEvents raising(int number, boolean hasErrorCode, int errorCode) {
        return new VcpuEvents(
                new PendingException(true, number, hasErrorCode, false, errorCode, false, 0),
                interrupt,
                nmi,
                smi,
                sipiVector,
                flags,
                tripleFaultPending);
    }

    static VcpuEvents read(MemorySegment m) {
        return new VcpuEvents(
                new PendingException(
                        flag(m, EXCEPTION),
                        number(m, EXCEPTION + 1),
                        flag(m, EXCEPTION + 2),
                        flag(m, EXCEPTION + 3),
                        m.get(JAVA_INT, EXCEPTION_ERROR_CODE),
                        flag(m, EXCEPTION_HAS_PAYLOAD),
                        m.get(JAVA_LONG, EXCEPTION_PAYLOAD)),
                new Interrupt(
                        flag(m, INTERRUPT),
                        number(m, INTERRUPT + 1),
                        flag(m, INTERRUPT + 2),
                        number(m, INTERRUPT + 3)),
                new Nmi(flag(m, NMI), number(m, NMI + 1), flag(m, NMI + 2)),
                new Smi(flag(m, SMI), flag(m, SMI + 1), flag(m, SMI + 2), flag(m, SMI + 3)),
                m.get(JAVA_INT, SIPI_VECTOR),
                m.get(JAVA_INT, FLAGS),
                flag(m, TRIPLE_FAULT));
    }

    void write(MemorySegment m) {
        flag(m, EXCEPTION, exception.injected);
        number(m, EXCEPTION + 1, exception.number);
        flag(m, EXCEPTION + 2, exception.hasErrorCode);
        flag(m, EXCEPTION + 3, exception.pending);
        m.set(JAVA_INT, EXCEPTION_ERROR_CODE, exception.errorCode);
        flag(m, EXCEPTION_HAS_PAYLOAD, exception.hasPayload);
        m.set(JAVA_LONG, EXCEPTION_PAYLOAD, exception.payload);
        flag(m, INTERRUPT, interrupt.injected);
        number(m, INTERRUPT + 1, interrupt.vector);
        flag(m, INTERRUPT + 2, interrupt.soft);
        number(m, INTERRUPT + 3, interrupt.shadow);
        flag(m, NMI, nmi.injected);
        number(m, NMI + 1, nmi.pending);
        flag(m, NMI + 2, nmi.masked);
        flag(m, SMI, smi.active);
        flag(m, SMI + 1, smi.pending);
        flag(m, SMI + 2, smi.insideNmi);
        flag(m, SMI + 3, smi.latchedInit);
        m.set(JAVA_INT, SIPI_VECTOR, sipiVector);
        m.set(JAVA_INT, FLAGS, flags);
        flag(m, TRIPLE_FAULT, tripleFaultPending);
    }

    private static boolean flag(MemorySegment m, long at) {
        return m.get(JAVA_BYTE, at) != 0;
    }

    private static void flag(MemorySegment m, long at, boolean value) {
        m.set(JAVA_BYTE, at, (byte) (value ? 1 : 0));
    }

    private static int number(MemorySegment m, long at) {
        return Byte.toUnsignedInt(m.get(JAVA_BYTE, at));
    }

    private static void number(MemorySegment m, long at, int value) {
        m.set(JAVA_BYTE, at, (byte) value);
    }
}
