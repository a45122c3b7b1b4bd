// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.state.StateCodec;
import io.jvmm.state.StateException;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/**
 * What two machines must have in common for the one to go on as the other.
 *
 * @param cpus number of vCPUs
 * @param memoryBytes guest memory
 */
record MachineShape(int cpus, long memoryBytes) {

    static final StateCodec<MachineShape> CODEC =
            new StateCodec<>() {
                @Override
                public String kind() {
                    return "machine";
                }

                @Override
                public int version() {
                    return 1;
                }

                @Override
                public void write(MachineShape shape, StateWriter out) {
                    out.i32(shape.cpus()).i64(shape.memoryBytes());
                }

                @Override
                public MachineShape read(int version, StateReader in) {
                    return new MachineShape(in.i32(), in.i64());
                }
            };

    /** Checks the ranges. */
    MachineShape {
        if (cpus < 1 || cpus > MachineConfig.MAX_CPUS || memoryBytes <= 0) {
            throw new IllegalArgumentException(
                    "a machine of %d vCPUs and %d bytes".formatted(cpus, memoryBytes));
        }
    }

    static MachineShape of(MachineConfig config) {
        return new MachineShape(config.cpus(), config.memoryBytes());
    }

    /**
     * Refuses a configuration of another shape.
     *
     * @throws StateException it is one
     */
    void require(MachineConfig config) {
        if (!equals(of(config))) {
            throw new StateException(
                    "the saved machine has %d vCPUs and %d bytes of memory, the configuration %d and %d"
                            .formatted(cpus, memoryBytes, config.cpus(), config.memoryBytes()));
        }
    }
}
