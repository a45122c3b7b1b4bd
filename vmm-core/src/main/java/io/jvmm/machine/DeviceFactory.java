// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.Device;

/**
 * Makes a device of an application's own for a machine; see {@link MachineConfig.Builder#device}.
 * Each machine that is made from a configuration has a device of its own.
 */
@FunctionalInterface
public interface DeviceFactory {

    /**
     * Makes the device. What this throws is thrown by {@link Machine#create} or {@link
     * Machine#restore}.
     *
     * @param resources of the machine, for this device; they may be kept
     * @return a new device, which the machine closes
     */
    Device create(DeviceResources resources);
}
