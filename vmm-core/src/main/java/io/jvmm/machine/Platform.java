// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.Backpressure;
import io.jvmm.bus.Bus;
import io.jvmm.device.AcpiPm;
import io.jvmm.device.CmosRtc;
import io.jvmm.device.I8042;
import io.jvmm.device.PostCode;
import io.jvmm.device.PvPanic;
import io.jvmm.device.ResetPort;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.layout.GuestLayout;
import io.jvmm.layout.Irqs;
import io.jvmm.memory.GuestMemory;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;

import java.time.InstantSource;
import java.util.List;

/**
 * The devices of a machine, at their places on its two buses. They outlive the virtual machine in
 * the kernel, which a reset replaces.
 */
final class Platform implements AutoCloseable {

    /** What devices ask of the machine. Called on vCPU threads. */
    interface Requests {
        void powerOff();

        void reset(String by);

        void guestPanicked();

        /** The monitor itself has failed at serving a device. Called on any thread. */
        void failed(String what, Throwable cause);
    }

    private final InterruptRouting interrupts = new InterruptRouting();
    private final GuestTime time = new GuestTime(System::nanoTime);
    private final IoEvents events;
    private final DeviceManager devices;
    private final AcpiPm acpi;
    private final Console console;

    Platform(MachineConfig config, GuestMemory memory, Requests requests) {
        console =
                new Console(
                        config.console(),
                        interrupts.line(Irqs.COM1),
                        config.name(),
                        cause -> requests.failed("the console", cause));
        events = new IoEvents(config.name(), cause -> requests.failed("a device", cause));
        devices = new DeviceManager(events);
        try {
            // The order is that in which firmware lists them.
            devices.add(console.port());
            devices.add(rtc(config));
            devices.add(new PvPanic(event -> panicEvent(event, requests)));
            acpi = devices.add(new AcpiPm(interrupts.line(Irqs.SCI), requests::powerOff, time));
            devices.add(new I8042(() -> requests.reset("i8042")));
            devices.add(new ResetPort(() -> requests.reset("reset port")));
            // Linux writes here to pass a microsecond.
            devices.add(new PostCode());
            DeviceResources resources = new PlatformResources(interrupts, memory, time);
            for (DeviceFactory factory : config.devices()) {
                devices.add(factory.create(resources));
            }
        } catch (RuntimeException | Error e) {
            try {
                close();
            } catch (RuntimeException more) {
                e.addSuppressed(more);
            }
            throw e;
        }
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

    /** From now on interrupts go to this machine, and its guest's writes ring doorbells. */
    void connect(KvmVm vm) {
        interrupts.attach(vm);
        events.attach(vm);
    }

    /** From now on interrupts go nowhere: the machine is about to be closed. */
    void disconnect() {
        interrupts.detach();
    }

    /** Keeps still from now on: nothing changes but what a vCPU on its way out still writes. */
    void pause() {
        // First what devices are told, then what they do by themselves.
        events.pause();
        try {
            devices.pause();
        } catch (RuntimeException | Error e) {
            events.resume();
            throw e;
        }
        time.stop();
        console.pause();
    }

    /** Goes on. */
    void resume(PausedTime pausedTime) {
        switch (pausedTime) {
            case HIDDEN -> time.go();
            case COUNTED -> time.catchUp();
        }
        console.resume();
        devices.resume();
        events.resume();
    }

    /**
     * All devices return to the state after power-on; rings of the guest of before are forgotten.
     */
    void reset() {
        events.reset();
        devices.reset();
    }

    /**
     * The state of all devices.
     *
     * @throws io.jvmm.state.StateException a device cannot be saved
     */
    List<Saved> save() {
        return devices.save();
    }

    /**
     * Takes over a state; interrupt lines are driven accordingly.
     *
     * @param passed nanoseconds since it was saved that the guest is to see
     */
    void restore(SavedComponents saved, long passed) {
        devices.restore(saved, passed);
        events.restored();
    }

    /** What firmware says of the devices. */
    List<AcpiDevice> acpiDevices() {
        return devices.acpi();
    }

    Bus ports() {
        return devices.ports();
    }

    Bus mmio() {
        return devices.mmio();
    }

    /** The guest's output that a vCPU waits for. */
    Backpressure output() {
        return console;
    }

    AcpiPm acpi() {
        return acpi;
    }

    Console console() {
        return console;
    }

    /** Waits until the console's output is written, as long as somebody takes it. */
    void close(Deadline deadline) {
        console.close(deadline);
    }

    @Override
    public void close() {
        try {
            events.close();
        } finally {
            try {
                devices.close();
            } finally {
                console.close();
            }
        }
    }
}
