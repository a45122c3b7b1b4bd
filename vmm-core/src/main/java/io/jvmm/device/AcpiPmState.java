// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/**
 * The state of an {@link AcpiPm}.
 *
 * @param status PM1 status
 * @param enable PM1 enable
 * @param control PM1 control without the fixed SCI_EN
 * @param timer what the timer read, unsigned
 */
public record AcpiPmState(int status, int enable, int control, int timer) {

    /** The state after power-on. */
    public static final AcpiPmState POWER_ON = new AcpiPmState(0, 0, 0, 0);

    /** How it travels. */
    public static final StateCodec<AcpiPmState> CODEC =
            new StateCodec<>() {
                @Override
                public String kind() {
                    return "acpi-pm";
                }

                @Override
                public int version() {
                    return 1;
                }

                @Override
                public void write(AcpiPmState state, StateWriter out) {
                    out.u16(state.status())
                            .u16(state.enable())
                            .u16(state.control())
                            .i32(state.timer());
                }

                @Override
                public AcpiPmState read(int version, StateReader in) {
                    return new AcpiPmState(in.u16(), in.u16(), in.u16(), in.i32());
                }
            };

    /**
     * Checks that the blocks can be in this state.
     *
     * @throws IllegalArgumentException if a value has bits that its register has not
     */
    public AcpiPmState {
        Bits.require("PM1 status", status, AcpiPm.STATUS_MASK);
        Bits.require("PM1 enable", enable, AcpiPm.ENABLE_MASK);
        Bits.require("PM1 control", control, AcpiPm.CONTROL_MASK);
    }

    /** The same state after some time, which the timer has counted. */
    public AcpiPmState after(long nanoseconds) {
        return new AcpiPmState(status, enable, control, timer + AcpiPm.ticks(nanoseconds));
    }
}
