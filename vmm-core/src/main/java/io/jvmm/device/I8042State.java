// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/**
 * The state of an {@link I8042}.
 *
 * @param config the configuration byte
 * @param outputPort the output port; bit 0 is always set, bit 1 is the A20 gate and without effect
 * @param awaiting the command whose parameter is due, or -1
 * @param answer the byte that the data port gives next, or -1
 */
public record I8042State(int config, int outputPort, int awaiting, int answer) {

    /** The state after power-on: both device ports off, A20 open. */
    public static final I8042State POWER_ON =
            new I8042State(
                    I8042.STATUS_SYSTEM
                            | I8042.CONFIG_KEYBOARD_DISABLED
                            | I8042.CONFIG_AUX_DISABLED,
                    I8042.OUTPUT_NOT_RESET | 0x02,
                    I8042.NONE,
                    I8042.NONE);

    /** How it travels: absent bytes are 0xFFFF. */
    public static final StateCodec<I8042State> CODEC =
            new StateCodec<>() {
                @Override
                public String kind() {
                    return "i8042";
                }

                @Override
                public int version() {
                    return 1;
                }

                @Override
                public void write(I8042State state, StateWriter out) {
                    out.u8(state.config())
                            .u8(state.outputPort())
                            .u16(state.awaiting() & 0xFFFF)
                            .u16(state.answer() & 0xFFFF);
                }

                @Override
                public I8042State read(int version, StateReader in) {
                    return new I8042State(in.u8(), in.u8(), (short) in.u16(), (short) in.u16());
                }
            };

    /**
     * Checks that a controller can be in this state.
     *
     * @throws IllegalArgumentException if not
     */
    public I8042State {
        Bits.require("config", config, 0xFF);
        Bits.require("output port", outputPort, 0xFF);
        if ((outputPort & I8042.OUTPUT_NOT_RESET) == 0) {
            throw new IllegalArgumentException("output port 0x%x resets".formatted(outputPort));
        }
        if (awaiting != I8042.NONE && !I8042.takesParameter(awaiting)) {
            throw new IllegalArgumentException("command %d has no parameter".formatted(awaiting));
        }
        if (answer != I8042.NONE) {
            Bits.require("answer", answer, 0xFF);
        }
    }
}
