// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.StateFile;

import java.util.List;

/** Changes saved machines, as time or another host would. */
final class SavedMachines {

    private SavedMachines() {}

    /** The same machine as if it had been saved earlier. */
    static SavedMachine savedEarlier(SavedMachine saved, long nanoseconds) {
        List<Saved> components = StateFile.decode(Bytes.copyOf(saved.toBytes()));
        return new SavedMachine(
                components.stream()
                        .map(component ->
                                component.kind().equals(VmState.CODEC.kind())
                                        ? earlier(component, nanoseconds)
                                        : component)
                        .toList());
    }

    private static Saved earlier(Saved component, long nanoseconds) {
        VmState s = component.decode(VmState.CODEC);
        ClockData c = s.clock();
        ClockData earlier =
                new ClockData(c.nanoseconds(), c.flags(), c.realtime() - nanoseconds, c.hostTsc());
        return Saved.of(
                VmState.CODEC,
                component.instance(),
                new VmState(earlier, s.picMaster(), s.picSlave(), s.ioapic(), s.pit()));
    }
}
