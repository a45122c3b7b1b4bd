// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/**
 * The state of a {@link ResetPort}.
 *
 * @param control the bits that read back: 1 and 3
 */
public record ResetPortState(int control) {

    /** The state after power-on. */
    public static final ResetPortState POWER_ON = new ResetPortState(0);

    /** How it travels. */
    public static final StateCodec<ResetPortState> CODEC =
            new StateCodec<>() {
                @Override
                public String kind() {
                    return "reset-port";
                }

                @Override
                public int version() {
                    return 1;
                }

                @Override
                public void write(ResetPortState state, StateWriter out) {
                    out.u8(state.control());
                }

                @Override
                public ResetPortState read(int version, StateReader in) {
                    return new ResetPortState(in.u8());
                }
            };

    /** Checks the bits. */
    public ResetPortState {
        ResetPort.requireControl(control);
    }
}
