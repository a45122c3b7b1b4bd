package io.jvmm.machine;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IrqLine;
import io.jvmm.device.AcpiPm;
import io.jvmm.device.CmosRtc;
import io.jvmm.device.I8042;
import io.jvmm.device.PostCode;
import io.jvmm.device.PvPanic;
import io.jvmm.device.ResetPort;
import io.jvmm.ffi.kvm.KvmIrqLine;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.layout.GuestLayout;
import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;

import java.time.InstantSource;

/** The devices of a machine, at their places on its two buses. */
final class Platform implements AutoCloseable {

    /** What devices ask of the machine. Called on vCPU threads. */
    interface Requests {
        void powerOff();

        void reset(String by);

        void guestPanicked();
    }

    private final Bus ports = new Bus();
    private final Bus mmio = new Bus();
    private final AcpiPm acpi;
    private final Console console;
    private volatile boolean closed;

    Platform(KvmVm vm, MachineConfig config, Requests requests) {
        acpi = new AcpiPm(irq(vm, Irqs.SCI), requests::powerOff, System::nanoTime);
        ports.attach(
                Ports.I8042_DATA, I8042.PORTS, new I8042(() -> requests.reset("i8042")), "i8042");
        ports.attach(Ports.CMOS_INDEX, CmosRtc.PORTS, rtc(config), "cmos");
        ports.attach(
                Ports.PVPANIC, 1, new PvPanic(event -> panicEvent(event, requests)), "pvpanic");
        ports.attach(Ports.ACPI_PM1A_EVENT, AcpiPm.LENGTH, acpi, "acpi-pm");
        ports.attach(Ports.RESET, 1, new ResetPort(() -> requests.reset("reset port")), "reset");
        // Linux writes here to pass a microsecond.
        ports.attach(Ports.POST_CODE, 1, new PostCode(), "post");
        // Last: from here on there is a thread and perhaps a file to give back.
        console = new Console(config.console(), irq(vm, Irqs.COM1), config.name());
        ports.attach(Ports.COM1, Ports.COM1_SIZE, console.port(), "com1");
    }

    /** A crash kernel that takes over will say itself how it ends. */
    private static void panicEvent(PvPanic.Event event, Requests requests) {
        switch (event) {
            case PANICKED -> requests.guestPanicked();
            default -> {}
        }
    }

    /** The clock also tells firmware-minded guests how much memory there is. */
    private static CmosRtc rtc(MachineConfig config) {
        long below = Math.min(config.memoryBytes(), GuestLayout.MMIO_HOLE);
        return new CmosRtc(InstantSource.system(), below, config.memoryBytes() - below);
    }

    private IrqLine irq(KvmVm vm, int gsi) {
        KvmIrqLine line = vm.irqLine(gsi);
        return new IrqLine() {
            @Override
            public void raise() {
                set(true);
            }

            @Override
            public void lower() {
                set(false);
            }

            // Who presses a button of a machine that is being closed is not to blame.
            private void set(boolean active) {
                try {
                    line.set(active);
                } catch (KernelException e) {
                    if (!closed) {
                        throw e;
                    }
                }
            }
        };
    }

    Bus ports() {
        return ports;
    }

    Bus mmio() {
        return mmio;
    }

    AcpiPm acpi() {
        return acpi;
    }

    Console console() {
        return console;
    }

    @Override
    public void close() {
        closed = true;
        console.close();
    }
}
