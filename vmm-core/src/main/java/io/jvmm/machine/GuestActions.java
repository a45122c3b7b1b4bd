// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.vcpu.VcpuStop;
import io.jvmm.vcpu.VcpuThread;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of a machine by what its guest does. Called on vCPU threads, by devices in the
 * middle of an exit; returns at once.
 */
final class GuestActions implements Platform.Requests, VcpuThread.Listener {

    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

    private final Machine machine;
    private final MachinePaging paging;

    GuestActions(Machine machine, MachinePaging paging) {
        this.machine = machine;
        this.paging = paging;
    }

    @Override
    public void powerOff() {
        machine.end(new MachineExit.PowerOff());
    }

    @Override
    public void reset(String by) {
        switch (machine.config().resetPolicy()) {
            case END -> machine.end(new MachineExit.Reset(by));
            case REBOOT -> machine.wantReset(by);
        }
    }

    /** What the guest had to say, it has said: Linux reports after it printed its traces. */
    @Override
    public void guestPanicked() {
        machine.end(new MachineExit.GuestPanic());
    }

    @Override
    public void failed(String what, Throwable cause) {
        LOG.error("{}: {} failed", machine.config().name(), what, cause);
        machine.end(
                new MachineExit.Failed(
                        "a fault of the monitor in %s: %s".formatted(what, cause), "", cause));
    }

    @Override
    public void stopped(int index, VcpuStop stop) {
        switch (stop) {
            case VcpuStop.Kicked _ -> {}
            case VcpuStop.TripleFault _ -> machine.end(new MachineExit.TripleFault(index));
            case VcpuStop.UnknownFault fault -> paging.stopped(index, fault);
            case VcpuStop.SystemEvent event -> systemEvent(event.type());
            case VcpuStop.Failed failed ->
                    machine.end(
                            new MachineExit.Failed(
                                    "vCPU %d: %s".formatted(index, failed.reason()),
                                    failed.details(),
                                    null));
        }
    }

    private void systemEvent(int type) {
        switch (type) {
            case KvmConstants.KVM_SYSTEM_EVENT_SHUTDOWN -> powerOff();
            case KvmConstants.KVM_SYSTEM_EVENT_RESET -> reset("hypercall");
            case KvmConstants.KVM_SYSTEM_EVENT_CRASH -> guestPanicked();
            default ->
                    machine.end(new MachineExit.Failed("unknown system event " + type, "", null));
        }
    }

    @Override
    public void died(int index, Throwable cause) {
        // First, and without an allocation: the thread may have died for want of memory.
        machine.endOfDeath(index, cause);
        LOG.error("{}: vCPU {} died", machine.config().name(), index, cause);
    }
}
