// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A view of a vCPU's {@code struct kvm_run}, the page that the kernel shares with the thread that
 * runs the vCPU: why it left the guest, and what it wants to know before it goes back.
 *
 * <p>Nothing is copied and nothing is allocated; a getter reads the page as it is now. The fields
 * of an exit are valid from the return of {@link KvmVcpu#run} to the next call. Only the vCPU's own
 * thread may use this view, with one exception: {@link #requestExit} may be called by any thread.
 * Use after the vCPU is closed throws {@link IllegalStateException}.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, section 5. Offsets are constants because the
 * generated layout of this structure takes 50 ms to initialise; a test compares them with it.
 */
public final class KvmRun {

    static final long IMMEDIATE_EXIT = 1;
    static final long EXIT_REASON = 8;
    static final long HARDWARE_EXIT_REASON = 32;
    static final long ENTRY_FAILURE_REASON = 32;
    static final long IO_DIRECTION = 32;
    static final long IO_SIZE = 33;
    static final long IO_PORT = 34;
    static final long IO_COUNT = 36;
    static final long IO_DATA_OFFSET = 40;
    static final long MMIO_PHYS_ADDR = 32;
    static final long MMIO_DATA = 40;
    static final long MMIO_LEN = 48;
    static final long MMIO_IS_WRITE = 52;
    static final long DEBUG_EXCEPTION = 32;
    static final long DEBUG_DR6 = 48;
    static final long INTERNAL_SUBERROR = 32;
    static final long INTERNAL_NDATA = 36;
    static final long INTERNAL_DATA = 40;
    static final long EMULATION_FLAGS = 40;
    static final long EMULATION_INSN_SIZE = 48;
    static final long EMULATION_INSN_BYTES = 49;
    static final long SYSTEM_EVENT_TYPE = 32;
    static final long MEMORY_FAULT_FLAGS = 32;
    static final long MEMORY_FAULT_GPA = 40;
    static final long MEMORY_FAULT_SIZE = 48;
    static final long VALID_REGS = 288;
    static final long DIRTY_REGS = 296;
    static final long SYNC_REGS = 304;

    private static final int MAX_INSN_BYTES = 15;
    private static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle();

    private final MemorySegment page;
    private final SyncRegs syncRegs;

    KvmRun(MemorySegment page) {
        this.page = page;
        this.syncRegs = new SyncRegs(page);
    }

    /** The registers in this page, if the kernel was asked to put them there. */
    public SyncRegs syncRegs() {
        return syncRegs;
    }

    /**
     * Makes the running or the next {@link KvmVcpu#run} return {@code -EINTR} instead of entering
     * the guest; it has to be followed by a signal to break into a guest that runs already. Any
     * thread may call it.
     */
    public void requestExit() {
        BYTE.setRelease(page, IMMEDIATE_EXIT, (byte) 1);
    }

    /**
     * Takes {@link #requestExit} back. The store is volatile: whatever the caller reads afterwards
     * it reads after the flag is down, so that a request which comes later is not lost.
     */
    public void clearExitRequest() {
        BYTE.setVolatile(page, IMMEDIATE_EXIT, (byte) 0);
    }

    /** Whether an exit is requested. */
    public boolean exitRequested() {
        return (byte) BYTE.getAcquire(page, IMMEDIATE_EXIT) != 0;
    }

    /** Why the vCPU left the guest: one of {@code KVM_EXIT_*}. */
    public int exitReason() {
        return page.get(JAVA_INT, EXIT_REASON);
    }

    /** Whether the port access is a write ({@code OUT}). */
    public boolean ioIsWrite() {
        return page.get(JAVA_BYTE, IO_DIRECTION) == KvmConstants.KVM_EXIT_IO_OUT;
    }

    /** Bytes of one port access: 1, 2 or 4. */
    public int ioSize() {
        return page.get(JAVA_BYTE, IO_SIZE);
    }

    /** The port, 0 to 65535. */
    public int ioPort() {
        return Short.toUnsignedInt(page.get(JAVA_SHORT, IO_PORT));
    }

    /** How many accesses of {@link #ioSize} this exit carries; more than one for string I/O. */
    public int ioCount() {
        return page.get(JAVA_INT, IO_COUNT);
    }

    /** Where in this page the data of a port access lies. */
    public long ioDataOffset() {
        return page.get(JAVA_LONG, IO_DATA_OFFSET);
    }

    /** The guest-physical address of an MMIO access. */
    public long mmioAddress() {
        return page.get(JAVA_LONG, MMIO_PHYS_ADDR);
    }

    /** Bytes of an MMIO access, 1 to 8. */
    public int mmioSize() {
        return page.get(JAVA_INT, MMIO_LEN);
    }

    /** Whether the MMIO access is a write. */
    public boolean mmioIsWrite() {
        return page.get(JAVA_BYTE, MMIO_IS_WRITE) != 0;
    }

    /** The data of an MMIO access, zero-extended. */
    public long mmioData(int size) {
        return value(MMIO_DATA, size);
    }

    /** Answers an MMIO read. */
    public void mmioData(int size, long value) {
        value(MMIO_DATA, size, value);
    }

    /**
     * The datum of a port or MMIO access at an offset in this page, zero-extended.
     *
     * @param size 1 to 8; sizes that are no power of two occur when an access straddles a page
     */
    public long value(long offset, int size) {
        return switch (size) {
            case 1 -> Byte.toUnsignedLong(page.get(JAVA_BYTE, offset));
            case 2 -> Short.toUnsignedLong(page.get(JAVA_SHORT_UNALIGNED, offset));
            case 4 -> Integer.toUnsignedLong(page.get(JAVA_INT_UNALIGNED, offset));
            case 8 -> page.get(JAVA_LONG_UNALIGNED, offset);
            default -> oddValue(offset, size);
        };
    }

    /** Stores the low {@code size} bytes of a value at an offset in this page. */
    public void value(long offset, int size, long value) {
        switch (size) {
            case 1 -> page.set(JAVA_BYTE, offset, (byte) value);
            case 2 -> page.set(JAVA_SHORT_UNALIGNED, offset, (short) value);
            case 4 -> page.set(JAVA_INT_UNALIGNED, offset, (int) value);
            case 8 -> page.set(JAVA_LONG_UNALIGNED, offset, value);
            default -> oddValue(offset, size, value);
        }
    }

    private long oddValue(long offset, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = (value << Byte.SIZE) | Byte.toUnsignedLong(page.get(JAVA_BYTE, offset + i));
        }
        return value;
    }

    private void oddValue(long offset, int size, long value) {
        for (int i = 0; i < size; i++) {
            page.set(JAVA_BYTE, offset + i, (byte) (value >>> (i * Byte.SIZE)));
        }
    }

    /** The processor's own reason for {@code KVM_EXIT_UNKNOWN} and {@code KVM_EXIT_FAIL_ENTRY}. */
    public long hardwareReason() {
        return page.get(JAVA_LONG, HARDWARE_EXIT_REASON);
    }

    /** Of a debug exit: the guest's exception of which KVM made it. */
    public int debugException() {
        return page.get(JAVA_INT, DEBUG_EXCEPTION);
    }

    /** Of a debug exit: why, as in DR6. */
    public long debugStatus() {
        return page.get(JAVA_LONG, DEBUG_DR6);
    }

    /** What went wrong inside KVM: one of {@code KVM_INTERNAL_ERROR_*}. */
    public int internalSuberror() {
        return page.get(JAVA_INT, INTERNAL_SUBERROR);
    }

    /** The words that KVM gives with an internal error. */
    public long[] internalData() {
        int count = Math.clamp(page.get(JAVA_INT, INTERNAL_NDATA), 0, 16);
        long[] data = new long[count];
        for (int i = 0; i < count; i++) {
            data[i] = page.get(JAVA_LONG, INTERNAL_DATA + (long) i * Long.BYTES);
        }
        return data;
    }

    /**
     * The bytes of the instruction that KVM could not emulate; empty when it did not fetch them.
     */
    public byte[] failedInstruction() {
        int size =
                hasFailedInstruction()
                        ? Math.clamp(page.get(JAVA_BYTE, EMULATION_INSN_SIZE), 0, MAX_INSN_BYTES)
                        : 0;
        return page.asSlice(EMULATION_INSN_BYTES, size).toArray(JAVA_BYTE);
    }

    /** Whether KVM has fetched the instruction that it could not emulate. */
    public boolean hasFailedInstruction() {
        return page.get(JAVA_INT, INTERNAL_NDATA) > 0
                && (page.get(JAVA_LONG, EMULATION_FLAGS)
                                & KvmConstants.KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)
                        != 0
                && page.get(JAVA_BYTE, EMULATION_INSN_SIZE) > 0;
    }

    /** What the guest asks of the system: one of {@code KVM_SYSTEM_EVENT_*}. */
    public int systemEvent() {
        return page.get(JAVA_INT, SYSTEM_EVENT_TYPE);
    }

    /** {@code KVM_MEMORY_EXIT_FLAG_*} of a memory fault. */
    public long memoryFaultFlags() {
        return page.get(JAVA_LONG, MEMORY_FAULT_FLAGS);
    }

    /** First guest-physical address of a memory fault. */
    public long memoryFaultGpa() {
        return page.get(JAVA_LONG, MEMORY_FAULT_GPA);
    }

    /** Bytes from {@link #memoryFaultGpa} on that the fault concerns. */
    public long memoryFaultSize() {
        return page.get(JAVA_LONG, MEMORY_FAULT_SIZE);
    }
}
