// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.Bus;
import io.jvmm.bus.Device;
import io.jvmm.bus.Doorbell;
import io.jvmm.bus.IoRange;
import io.jvmm.state.ComponentState;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.state.StateRegistry;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The devices of a machine: all that is done to devices is done by iterating over this list.
 *
 * <p>For one thread at a time, that of the machine's operation under way; the buses are for vCPU
 * threads.
 */
final class DeviceManager {

    private final Bus ports = new Bus();
    private final Bus mmio = new Bus();
    private final IoEvents events;
    private final List<Device> devices = new ArrayList<>();
    private final List<AcpiDevice> acpi = new ArrayList<>();

    DeviceManager(IoEvents events) {
        this.events = events;
    }

    Bus ports() {
        return ports;
    }

    Bus mmio() {
        return mmio;
    }

    /**
     * Builds a device in. From now on it is closed with the machine.
     *
     * @return the device
     * @throws MachineException its name or a range is taken, or a doorbell is outside its ranges
     */
    <D extends Device> D add(D device) {
        // First, so that it is closed whatever becomes of the rest.
        boolean isTaken = devices.stream().anyMatch(other -> other.name().equals(device.name()));
        devices.add(device);
        if (isTaken) {
            throw new MachineException("there are two devices of the name " + device.name());
        }
        List<IoRange> ranges = device.ranges();
        try {
            for (IoRange range : ranges) {
                bus(range).attach(range.base(), range.length(), range.answers(), device.name());
            }
        } catch (IllegalArgumentException e) {
            throw new MachineException(
                    "device %s cannot be built in: %s".formatted(device.name(), e.getMessage()), e);
        }
        for (Doorbell doorbell : device.doorbells()) {
            if (ranges.stream().noneMatch(range -> holds(range, doorbell))) {
                throw new MachineException(
                        "device %s has a doorbell at 0x%x, which is not its own"
                                .formatted(device.name(), doorbell.address()));
            }
            events.add(doorbell);
        }
        acpi.addAll(device.acpi());
        return device;
    }

    private Bus bus(IoRange range) {
        return switch (range.space()) {
            case PORT -> ports;
            case MMIO -> mmio;
        };
    }

    private static boolean holds(IoRange range, Doorbell doorbell) {
        long offset = doorbell.address() - range.base();
        return range.space() == doorbell.space()
                && offset >= 0
                && offset <= range.length() - Math.max(1, doorbell.width());
    }

    /** What firmware says of the devices. */
    List<AcpiDevice> acpi() {
        return List.copyOf(acpi);
    }

    /** Has all keep still; when one fails to, those before it go on. */
    void pause() {
        int paused = 0;
        try {
            for (Device device : devices) {
                device.pause();
                paused++;
            }
        } catch (RuntimeException | Error e) {
            devices.subList(0, paused).forEach(Device::resume);
            throw e;
        }
    }

    void resume() {
        devices.forEach(Device::resume);
    }

    void reset() {
        devices.forEach(Device::reset);
    }

    /**
     * The state of all devices, which keep still.
     *
     * @throws io.jvmm.state.StateException some cannot be saved
     */
    List<Saved> save() {
        return registry(0).capture();
    }

    /**
     * Takes over a state; interrupt lines are driven accordingly.
     *
     * @param passed nanoseconds since it was saved that the guest is to see
     */
    void restore(SavedComponents saved, long passed) {
        registry(passed).restore(saved);
    }

    private StateRegistry registry(long passed) {
        StateRegistry registry = new StateRegistry();
        Map<String, Integer> instances = new HashMap<>();
        for (Device device : devices) {
            switch (device.savedState()) {
                case ComponentState.Nothing _ -> {}
                case ComponentState.NotSavable not ->
                        registry.notSavable(device.name(), not.reason());
                case ComponentState.Kept<?> kept -> {
                    int instance = instances.merge(kept.codec().kind(), 1, Integer::sum) - 1;
                    register(registry, device.name(), kept, instance, passed);
                }
            }
        }
        return registry;
    }

    private static <S> void register(
            StateRegistry registry,
            String name,
            ComponentState.Kept<S> kept,
            int instance,
            long passed) {
        StateRegistry.Component<S> component =
                registry.component(name, kept.codec(), instance, kept.capture());
        if (!kept.required()) {
            component.optional();
        }
        registry.step(
                name,
                Set.of(),
                () -> {
                    if (component.isThere()) {
                        kept.apply().apply(component.state(), passed);
                    }
                });
    }

    /** Closes all, the latest first; what one throws does not keep the others from it. */
    void close() {
        RuntimeException failure = null;
        for (Device device : devices.reversed()) {
            try {
                device.close();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        devices.clear();
        if (failure != null) {
            throw failure;
        }
    }
}
