// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.AcpiResource;
import io.jvmm.bus.ByteIoDevice;
import io.jvmm.bus.Device;
import io.jvmm.bus.IoRange;
import io.jvmm.layout.Ports;
import io.jvmm.state.ComponentState;

import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The pvpanic device (QEMU's docs/specs/pvpanic): one byte by which a guest's kernel tells that it
 * has panicked. Reading gives the events that the host understands, writing reports one or more.
 *
 * <p>The listener is called on the vCPU thread that wrote; the device has no state.
 *
 * <p><b>What a hostile guest can try:</b> report over and over (each report costs it an exit; the
 * listener must bear being called again), report what does not exist (ignored).
 */
public final class PvPanic implements ByteIoDevice, Device {

    /** What a guest can report. */
    public enum Event {
        /** The kernel has panicked and stops. */
        PANICKED(0x01),
        /** The kernel has panicked and goes on to its crash kernel, to write a dump. */
        CRASH_LOADED(0x02);

        private final int bit;

        Event(int bit) {
            this.bit = bit;
        }
    }

    private static final Event[] EVENTS = Event.values();

    private final Consumer<Event> listener;

    /**
     * Creates a device.
     *
     * @param listener is told each event
     */
    public PvPanic(Consumer<Event> listener) {
        this.listener = Objects.requireNonNull(listener, "listener");
    }

    @Override
    public String name() {
        return "pvpanic";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.PVPANIC, 1, this));
    }

    /** By the name that Linux's driver knows. */
    @Override
    public List<AcpiDevice> acpi() {
        return List.of(
                AcpiDevice.of("PEVT", "QEMU0001").with(new AcpiResource.Ports(Ports.PVPANIC, 1)));
    }

    @Override
    public void reset() {}

    @Override
    public ComponentState savedState() {
        return ComponentState.nothing();
    }

    @Override
    public int readByte(long offset) {
        if (offset != 0) {
            return 0xFF;
        }
        int supported = 0;
        for (Event event : EVENTS) {
            supported |= event.bit;
        }
        return supported;
    }

    @Override
    public void writeByte(long offset, int value) {
        if (offset != 0) {
            return;
        }
        for (Event event : EVENTS) {
            if ((value & event.bit) != 0) {
                listener.accept(event);
            }
        }
    }
}
