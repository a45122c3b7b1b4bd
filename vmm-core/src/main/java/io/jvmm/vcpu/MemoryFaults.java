// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_MEMORY_FAULT;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_MEMORY_EXIT_FLAG_PRIVATE;

import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.Signals;

import org.jspecify.annotations.Nullable;

import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

/**
 * What a vCPU does that could not reach a page of its memory: it brings the page itself and goes
 * back into the guest, where the access is tried again.
 *
 * <p>KVM tells in four ways that a page is missing:
 *
 * <ul>
 *   <li>{@code KVM_EXIT_MEMORY_FAULT} with {@code EFAULT} or {@code EHWPOISON}: the page is named.
 *   <li>The same error without that exit. Nothing tells which page it was; {@link
 *       VcpuStop.UnknownFault} has the machine find another way.
 *   <li>A {@code SIGBUS} with the host's address, where missing pages are marked.
 *   <li>KVM's own accesses, when it interprets an instruction, fail silently: data then show as
 *       {@code KVM_EXIT_MMIO} at an address that is memory, an instruction that cannot be fetched
 *       as a failure of emulation without bytes.
 * </ul>
 *
 * <p>Belongs to the vCPU's thread. No allocation, no lock, no log.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, 5 ({@code memory_fault}) and {@code
 * KVM_CAP_MEMORY_FAULT_INFO}.
 */
final class MemoryFaults {

    private static final int EFAULT = -Errno.EFAULT.number();
    private static final int EHWPOISON = -Errno.EHWPOISON.number();

    /** The longest instruction of an x86 processor. */
    private static final int INSTRUCTION_BYTES = 15;

    private final KvmVcpu vcpu;
    private final VcpuPages pages;
    private final FaultGuard guard = new FaultGuard();
    private BooleanSupplier interrupted = () -> false;
    private boolean signals;
    private int threadId;

    MemoryFaults(KvmVcpu vcpu, VcpuPages pages) {
        this.vcpu = vcpu;
        this.pages = pages;
    }

    /**
     * On the vCPU's thread, before it runs.
     *
     * @param wanted whether the thread is wanted elsewhere
     */
    void prepare(BooleanSupplier wanted) {
        interrupted = wanted;
        threadId = NativeThread.id();
        signals = pages.signalsMissing();
    }

    /** Whether {@code SIGBUS} must reach {@code KVM_RUN}, and only that. */
    boolean needsSignal() {
        return pages.signalsMissing();
    }

    /** Whether the result of {@code KVM_RUN} is of this kind. */
    static boolean isFault(int result) {
        return result == EFAULT || result == EHWPOISON;
    }

    /**
     * {@code KVM_RUN} has failed with {@code EFAULT} or {@code EHWPOISON}.
     *
     * @return null if the vCPU can go back into the guest
     */
    @Nullable VcpuStop failed(int result) {
        KvmRun page = vcpu.page();
        if (page.exitReason() != KVM_EXIT_MEMORY_FAULT) {
            return pages.canFallBack()
                    ? new VcpuStop.UnknownFault(result)
                    : ExitReport.refused(vcpu, result);
        }
        if ((page.memoryFaultFlags() & KVM_MEMORY_EXIT_FLAG_PRIVATE) != 0) {
            return ExitReport.refused(vcpu, result);
        }
        return bring(page.memoryFaultGpa(), result);
    }

    /**
     * {@code KVM_RUN} was interrupted: maybe by the signal that tells of a missing page.
     *
     * @return null if it was, and the vCPU can go back into the guest
     */
    @Nullable VcpuStop interrupted() {
        long hva = signals ? Signals.takeMissingPage() : 0;
        if (hva == 0) {
            return VcpuStop.Kicked.INSTANCE;
        }
        long gpa = pages.gpaOf(hva);
        return gpa < 0
                ? ExitReport.failed(vcpu, "a memory error outside of the guest's memory")
                : bring(gpa, EHWPOISON);
    }

    /**
     * The monitor itself needs a page for what it does for the guest, on the vCPU's thread.
     *
     * @return null if it is there now
     */
    @Nullable VcpuStop bring(long gpa) {
        return bring(gpa, EFAULT);
    }

    private @Nullable VcpuStop bring(long gpa, int result) {
        VcpuPages.Answer answer = pages.bring(gpa, threadId, interrupted);
        return switch (answer) {
            case INTERRUPTED -> VcpuStop.Kicked.INSTANCE;
            case BROKEN, NO_MEMORY -> ExitReport.refused(vcpu, result, gpa, answer);
            case BROUGHT, PRESENT ->
                    guard.admits(gpa, answer == VcpuPages.Answer.PRESENT)
                            ? null
                            : ExitReport.refused(vcpu, result, gpa, answer);
        };
    }

    /** The vCPU has left the guest for something else: it gets on. */
    void getsOn() {
        guard.reset();
    }

    /**
     * An access to device memory. If it is to memory in truth, it is done here, whatever waits for
     * the thread: half an instruction is done, and nothing else can be done before the rest.
     *
     * @return whether it was
     */
    boolean access() {
        KvmRun page = vcpu.page();
        long gpa = page.mmioAddress();
        int size = page.mmioSize();
        if (!pages.isMemory(gpa, size)) {
            return false;
        }
        VcpuPages.Answer _ = pages.bring(gpa, threadId, null);
        if (page.mmioIsWrite()) {
            pages.write(gpa, size, page.mmioData(size));
        } else {
            page.mmioData(size, pages.read(gpa, size));
        }
        return true;
    }

    /**
     * KVM could not even fetch the instruction that it was to interpret.
     *
     * @return whether the reason was a missing page, which is there now, or a kick: in either case
     *     the vCPU can be run again
     */
    boolean fetch() {
        long rip = vcpu.regs().rip();
        boolean first = fetch(rip);
        return fetch(rip + INSTRUCTION_BYTES - 1) || first;
    }

    private boolean fetch(long linear) {
        OptionalLong gpa = vcpu.translate(linear);
        if (gpa.isEmpty()) {
            return false;
        }
        return switch (pages.bring(gpa.getAsLong(), threadId, interrupted)) {
            case BROUGHT, INTERRUPTED -> true;
            case PRESENT, BROKEN, NO_MEMORY -> false;
        };
    }
}
