// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.state.StateException;
import io.jvmm.state.StateFile;

import java.util.List;

/**
 * All that a machine is besides its memory, as data: vCPUs, clocks, interrupt controllers, timer
 * and devices, each as a record with a kind and a version. Immutable; two are equal if their
 * records are.
 *
 * <p>What is not in it: guest memory, which is moved by itself; the host's side of devices, such as
 * console output that nobody has read and input that the guest has not taken.
 */
public final class SavedMachine {

    private final List<Saved> components;

    SavedMachine(List<Saved> components) {
        this.components = List.copyOf(components);
    }

    /**
     * Reads what {@link #toBytes} wrote.
     *
     * @throws StateException the bytes are damaged, or of a version that this program cannot read;
     *     a single record is looked at only when a machine is restored from it
     */
    public static SavedMachine fromBytes(byte[] bytes) {
        return new SavedMachine(StateFile.decode(Bytes.copyOf(bytes)));
    }

    /** The records in the form in which they travel, with a checksum. */
    public byte[] toBytes() {
        return StateFile.encode(components).toArray();
    }

    SavedComponents components() {
        return new SavedComponents(components);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SavedMachine that && components.equals(that.components);
    }

    @Override
    public int hashCode() {
        return components.hashCode();
    }

    @Override
    public String toString() {
        return "saved machine of " + components;
    }
}
