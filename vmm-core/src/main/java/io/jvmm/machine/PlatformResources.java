// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.IrqLine;
import io.jvmm.bus.MsiSink;
import io.jvmm.layout.GuestLayout;
import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;
import io.jvmm.memory.GuestMemory;

import java.util.function.LongSupplier;

/** The resources of a {@link Platform}. */
final class PlatformResources implements DeviceResources {

    private final ResourceStack ports =
            new ResourceStack("I/O ports", Ports.ASSIGNED, Ports.ASSIGNED_SIZE);
    private final ResourceStack mmio =
            new ResourceStack(
                    "bytes of MMIO", GuestLayout.ASSIGNED_MMIO, GuestLayout.ASSIGNED_MMIO_SIZE);
    private final ResourceStack gsis =
            new ResourceStack("interrupt lines", Irqs.FIRST_PCI, Irqs.IOAPIC_PINS - Irqs.FIRST_PCI);
    private final InterruptRouting interrupts;
    private final GuestMemory memory;
    private final LongSupplier time;

    PlatformResources(InterruptRouting interrupts, GuestMemory memory, LongSupplier time) {
        this.interrupts = interrupts;
        this.memory = memory;
        this.time = time;
    }

    @Override
    public int ports(int count) {
        return (int) ports.take(count, count);
    }

    @Override
    public long mmio(long size) {
        long pages = Math.ceilDiv(size, GuestLayout.PAGE_SIZE);
        return mmio.take(pages * GuestLayout.PAGE_SIZE, GuestLayout.PAGE_SIZE);
    }

    @Override
    public Interrupt interrupt() {
        int gsi = (int) gsis.take(1, 1);
        return new Interrupt(gsi, interrupt(gsi));
    }

    @Override
    public IrqLine interrupt(int gsi) {
        try {
            return interrupts.line(gsi);
        } catch (IllegalArgumentException e) {
            throw new MachineException("a device cannot be built in: " + e.getMessage(), e);
        }
    }

    @Override
    public MsiSink messages() {
        return interrupts.messages();
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public LongSupplier time() {
        return time;
    }
}
