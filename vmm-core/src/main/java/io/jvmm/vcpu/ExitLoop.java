// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_DEBUG;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_INTERNAL_ERROR;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_INTR;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_IO;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_IRQ_WINDOW_OPEN;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_MMIO;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_SHUTDOWN;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_SYSTEM_EVENT;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_INTERNAL_ERROR_EMULATION;

import io.jvmm.bus.Backpressure;
import io.jvmm.bus.Bus;
import io.jvmm.emulation.Completion;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Signals;

import org.jspecify.annotations.Nullable;

import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Runs a vCPU and answers its exits, until it stops for a reason that is not ordinary.
 *
 * <p>Belongs to the vCPU's thread. Allocates nothing per exit, takes no lock, reads no clock, logs
 * nothing and looks at no mailbox: whoever wants something from the thread kicks it.
 */
public final class ExitLoop {

    private static final int EINTR = -Errno.EINTR.number();
    private static final int EAGAIN = -Errno.EAGAIN.number();

    private final KvmVcpu vcpu;
    private final KvmRun page;
    private final Bus ports;
    private final Bus mmio;
    private final @Nullable Completion completion;
    private final @Nullable MemoryFaults faults;
    private final DebugArbiter debug;
    private final Backpressure output;
    private final ExitCounters counters = new ExitCounters();

    private BooleanSupplier kicked = () -> false;
    private boolean held; // the guest has written what has no room yet
    private int heldPort;

    /**
     * @param ports who answers port accesses
     * @param mmio who answers accesses to guest-physical addresses that are not memory
     */
    public ExitLoop(KvmVcpu vcpu, Bus ports, Bus mmio) {
        this(vcpu, ports, mmio, null, null);
    }

    /**
     * As the last one, for a vCPU that nothing but {@code completion} wants debug exits of, and a
     * guest whose output always has room.
     */
    public ExitLoop(
            KvmVcpu vcpu,
            Bus ports,
            Bus mmio,
            @Nullable Completion completion,
            @Nullable VcpuPages pages) {
        this(
                vcpu,
                ports,
                mmio,
                completion,
                pages,
                new DebugArbiter(vcpu::setGuestDebug),
                Backpressure.NONE);
    }

    /**
     * @param completion who completes instructions that the host's interpreter lacks; null where
     *     the host runs every instruction itself
     * @param pages who brings pages that the vCPU is turned away from; null if that ends it
     * @param debug decides where the vCPU leaves the guest for a debugger's or the completion's
     *     sake
     * @param output of the guest through its ports, which the vCPU may have to wait for
     */
    public ExitLoop(
            KvmVcpu vcpu,
            Bus ports,
            Bus mmio,
            @Nullable Completion completion,
            @Nullable VcpuPages pages,
            DebugArbiter debug,
            Backpressure output) {
        this.output = output;
        this.vcpu = vcpu;
        this.debug = debug;
        this.faults = pages == null ? null : new MemoryFaults(vcpu, pages);
        this.completion = completion;
        this.page = vcpu.page();
        this.ports = ports;
        this.mmio = mmio;
        if (completion != null) {
            debug.emulation().answeredBy(() -> answer(completion, Completion::debugExit));
        }
    }

    /** How often the vCPU left the guest so far. */
    public ExitCounters counters() {
        return counters;
    }

    /** Makes the calling thread, which these kicks reach, the one that runs the vCPU. */
    void prepare(VcpuKick kick) {
        MemoryFaults own = faults;
        if (own != null && own.needsSignal()) {
            kick.alsoOpen(Signals.SIGBUS);
        }
        kick.prepare();
        kicked = kick::isPending;
        if (own != null) {
            own.prepare(kick::isPending);
        }
    }

    /**
     * Runs the guest until it stops. A guest whose output has no room waits first, here as after
     * each access to a port.
     */
    public VcpuStop run() {
        return mayGoOn() ? run(true) : kickedOut();
    }

    /**
     * Completes what the last exit began; the thread was kicked by itself, so that the guest is not
     * run. Does not wait for room, which a vCPU that was kicked out of that wait still lacks.
     */
    VcpuStop complete() {
        return run(false);
    }

    private VcpuStop kickedOut() {
        counters.countKick();
        return VcpuStop.Kicked.INSTANCE;
    }

    /** Waits until the guest's output has room; false if a kick came before. */
    private boolean mayGoOn() {
        if (held) {
            output.awaitRoom(kicked);
            held = output.isFull(heldPort);
        }
        return !held;
    }

    private VcpuStop run(boolean waits) {
        if (completion != null) {
            completion.begin();
        }
        while (true) {
            if (completion != null && completion.needsPreparation()) {
                VcpuStop stop = answer(completion, Completion::prepare);
                // A kick turns the entry back, which first completes the exit of before.
                if (stop != null && !(stop instanceof VcpuStop.Kicked)) {
                    return stop;
                }
            }
            int result = vcpu.run();
            if (result < 0) {
                VcpuStop stop = interrupted(result);
                if (stop == null) {
                    continue;
                }
                return stop;
            }
            int reason = page.exitReason();
            counters.count(reason);
            if (faults != null) {
                faults.getsOn();
            }
            if (completion != null) {
                completion.observe();
            }
            switch (reason) {
                case KVM_EXIT_IO -> {
                    portAccess();
                    if (held && waits && !mayGoOn()) {
                        return kickedOut();
                    }
                }
                case KVM_EXIT_MMIO -> mmioAccess();
                case KVM_EXIT_INTR, KVM_EXIT_IRQ_WINDOW_OPEN -> {}
                case KVM_EXIT_SHUTDOWN -> {
                    return new VcpuStop.TripleFault();
                }
                case KVM_EXIT_SYSTEM_EVENT -> {
                    return new VcpuStop.SystemEvent(page.systemEvent());
                }
                default -> {
                    VcpuStop stop = unusual(reason);
                    if (stop != null) {
                        return stop;
                    }
                }
            }
        }
    }

    /** {@code KVM_RUN} has not come to an exit; null if the guest is to be entered again. */
    private @Nullable VcpuStop interrupted(int result) {
        if (result == EAGAIN) {
            // A processor that waited for its start was woken: it starts at the next entry.
            if (completion != null) {
                completion.begin();
            }
            return null;
        }
        MemoryFaults own = faults;
        VcpuStop stop;
        if (result == EINTR) {
            stop = own == null ? VcpuStop.Kicked.INSTANCE : own.interrupted();
        } else if (own != null && MemoryFaults.isFault(result)) {
            stop = own.failed(result);
            counters.count(page.exitReason());
        } else {
            return ExitReport.refused(vcpu, result);
        }
        if (stop instanceof VcpuStop.Kicked) {
            counters.countKick();
        }
        return stop;
    }

    /** An exit that is no input or output; null if it is answered. */
    private @Nullable VcpuStop unusual(int reason) {
        if (reason == KVM_EXIT_DEBUG) {
            return debug.exit(page.debugException(), page.debugStatus());
        }
        return internalError(reason);
    }

    /** What KVM gave up on; null if it is done. */
    private @Nullable VcpuStop internalError(int reason) {
        if (reason != KVM_EXIT_INTERNAL_ERROR
                || page.internalSuberror() != KVM_INTERNAL_ERROR_EMULATION) {
            return ExitReport.failed(vcpu, reason);
        }
        if (faults != null && !page.hasFailedInstruction() && faults.fetch()) {
            return null;
        }
        if (completion == null) {
            return ExitReport.failed(vcpu, reason);
        }
        return answer(completion, Completion::complete);
    }

    /**
     * Does for the guest what KVM does not, and waits for the pages that it takes as for those of a
     * fault.
     *
     * @return null if it is done; after a kick it is not, and is found undone at the next entry
     */
    private @Nullable VcpuStop answer(
            Completion by, Function<Completion, Completion.Result> action) {
        while (true) {
            switch (action.apply(by)) {
                case Completion.Result.Done _ -> {
                    return null;
                }
                case Completion.Result.Missing missing -> {
                    VcpuStop stop = bring(missing.gpa());
                    if (stop != null) {
                        return stop;
                    }
                }
                case Completion.Result.Refused refused -> {
                    return ExitReport.failed(vcpu, refused.reason());
                }
            }
        }
    }

    private @Nullable VcpuStop bring(long gpa) {
        MemoryFaults own = faults;
        if (own == null) {
            return ExitReport.failed(
                    vcpu, "guest memory at 0x%x is missing, and has no pager".formatted(gpa));
        }
        VcpuStop stop = own.bring(gpa);
        if (stop instanceof VcpuStop.Kicked) {
            counters.countKick();
        }
        return stop;
    }

    /** String instructions bring several data in one exit, one after the other in the page. */
    private void portAccess() {
        int port = page.ioPort();
        int size = page.ioSize();
        int count = page.ioCount();
        long at = page.ioDataOffset();
        if (page.ioIsWrite()) {
            for (int i = 0; i < count; i++, at += size) {
                ports.write(port, size, page.value(at, size));
            }
            if (output.isFull(port)) {
                held = true;
                heldPort = port;
            }
        } else {
            for (int i = 0; i < count; i++, at += size) {
                page.value(at, size, ports.read(port, size));
            }
        }
    }

    private void mmioAccess() {
        if (faults != null && faults.access()) {
            return;
        }
        long address = page.mmioAddress();
        int size = page.mmioSize();
        if (page.mmioIsWrite()) {
            mmio.write(address, size, page.mmioData(size));
        } else {
            page.mmioData(size, mmio.read(address, size));
        }
    }
}
