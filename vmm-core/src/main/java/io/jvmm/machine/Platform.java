package io.jvmm.machine;

import io.jvmm.bus.Bus;
import io.jvmm.device.AcpiPm;
import io.jvmm.device.AcpiPmState;
import io.jvmm.device.CmosRtc;
import io.jvmm.device.CmosRtcState;
import io.jvmm.device.I8042;
import io.jvmm.device.I8042State;
import io.jvmm.device.PostCode;
import io.jvmm.device.PvPanic;
import io.jvmm.device.ResetPort;
import io.jvmm.device.ResetPortState;
import io.jvmm.device.UartState;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.layout.GuestLayout;
import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;
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
    }

    private final Bus ports = new Bus();
    private final Bus mmio = new Bus();
    private final GsiLine sci = new GsiLine(Irqs.SCI);
    private final GsiLine com1 = new GsiLine(Irqs.COM1);
    private final GuestTime time = new GuestTime(System::nanoTime);
    private final AcpiPm acpi;
    private final I8042 i8042;
    private final CmosRtc rtc;
    private final ResetPort resetPort;
    private final Console console;

    Platform(MachineConfig config, Requests requests) {
        acpi = new AcpiPm(sci, requests::powerOff, time);
        i8042 = new I8042(() -> requests.reset("i8042"));
        rtc = rtc(config);
        resetPort = new ResetPort(() -> requests.reset("reset port"));
        ports.attach(Ports.I8042_DATA, I8042.PORTS, i8042, "i8042");
        ports.attach(Ports.CMOS_INDEX, CmosRtc.PORTS, rtc, "cmos");
        ports.attach(
                Ports.PVPANIC, 1, new PvPanic(event -> panicEvent(event, requests)), "pvpanic");
        ports.attach(Ports.ACPI_PM1A_EVENT, AcpiPm.LENGTH, acpi, "acpi-pm");
        ports.attach(Ports.RESET, 1, resetPort, "reset");
        // Linux writes here to pass a microsecond.
        ports.attach(Ports.POST_CODE, 1, new PostCode(), "post");
        // Last: from here on there is a thread and perhaps a file to give back.
        console = new Console(config.console(), com1, config.name());
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

    /** From now on interrupts go to this machine. */
    void connect(KvmVm vm) {
        sci.connect(vm);
        com1.connect(vm);
    }

    /** From now on interrupts go nowhere: the machine is about to be closed. */
    void disconnect() {
        sci.disconnect();
        com1.disconnect();
    }

    /** Keeps still from now on: nothing changes but what a vCPU on its way out still writes. */
    void pause() {
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
    }

    /** All devices return to the state after power-on, but for the clock with its battery. */
    void reset() {
        acpi.reset();
        i8042.reset();
        resetPort.reset();
        console.port().reset();
    }

    /** The state of all devices. */
    List<Saved> save() {
        return List.of(
                Saved.of(AcpiPmState.CODEC, 0, acpi.state()),
                Saved.of(I8042State.CODEC, 0, i8042.state()),
                Saved.of(CmosRtcState.CODEC, 0, rtc.state()),
                Saved.of(ResetPortState.CODEC, 0, resetPort.state()),
                Saved.of(UartState.CODEC, 0, console.port().state()));
    }

    /**
     * Takes over a state; interrupt lines are driven accordingly.
     *
     * @param passed nanoseconds since it was saved that the guest is to see
     */
    void restore(SavedComponents saved, long passed) {
        AcpiPmState acpiState = saved.take(AcpiPmState.CODEC, 0);
        I8042State i8042State = saved.take(I8042State.CODEC, 0);
        CmosRtcState rtcState = saved.take(CmosRtcState.CODEC, 0);
        ResetPortState resetState = saved.take(ResetPortState.CODEC, 0);
        UartState uartState = saved.take(UartState.CODEC, 0);
        acpi.restore(acpiState.after(passed));
        i8042.restore(i8042State);
        rtc.restore(rtcState);
        resetPort.restore(resetState);
        console.port().restore(uartState);
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

    /** Waits until the console's output is written, as long as somebody takes it. */
    void close(Deadline deadline) {
        console.close(deadline);
    }

    @Override
    public void close() {
        console.close();
    }
}
