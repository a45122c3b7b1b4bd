// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.Device;
import io.jvmm.bus.IoDevice;
import io.jvmm.bus.IoRange;
import io.jvmm.layout.Ports;
import io.jvmm.state.ComponentState;

import java.util.List;
import java.util.Objects;

/**
 * The reset control register of a PC's chipset, port 0xCF9: a byte written with {@link #RESET} in
 * it resets the machine. ACPI's reset register points here, with value 0x06.
 *
 * <p>Only byte accesses are meant for it: wider ones at this place belong to PCI's configuration
 * ports, whose address register overlaps it.
 *
 * <p>The callback is called on the vCPU thread that wrote; it asks for the reset and returns.
 *
 * <p><b>What a hostile guest can try:</b> ask again and again (the callback bears it), write what
 * is not a reset (two bits are kept).
 */
public final class ResetPort implements IoDevice, Device {

    /** RST_CPU: setting it resets. */
    public static final int RESET = 0x04;

    private static final int SYSTEM_RESET = 0x02; // cold instead of warm; the same to us
    private static final int FULL_RESET = 0x08; // power cycle; the same to us
    private static final int KEPT = SYSTEM_RESET | FULL_RESET;

    private final Runnable onReset;
    private volatile int control;

    /**
     * Creates a port.
     *
     * @param onReset is called when the guest asks for a reset
     */
    public ResetPort(Runnable onReset) {
        this.onReset = Objects.requireNonNull(onReset, "onReset");
    }

    @Override
    public String name() {
        return "reset";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.RESET, 1, this));
    }

    @Override
    public ComponentState savedState() {
        return ComponentState.required(
                ResetPortState.CODEC, this::state, (state, passed) -> restore(state));
    }

    @Override
    public long read(long offset, int size) {
        return offset == 0 && size == 1 ? control : IoDevice.allOnes(size);
    }

    @Override
    public void write(long offset, int size, long value) {
        if (offset != 0 || size != 1) {
            return;
        }
        control = (int) value & KEPT;
        if ((value & RESET) != 0) {
            onReset.run();
        }
    }

    @Override
    public void reset() {
        restore(ResetPortState.POWER_ON);
    }

    /** {@return the state} */
    public ResetPortState state() {
        return new ResetPortState(control);
    }

    /** Takes over a state. */
    public void restore(ResetPortState state) {
        control = state.control();
    }

    static void requireControl(int control) {
        Bits.require("reset control", control, KEPT);
    }
}
