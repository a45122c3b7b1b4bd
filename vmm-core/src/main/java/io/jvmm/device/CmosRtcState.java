// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.state.Bytes;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/**
 * The state of a {@link CmosRtc}.
 *
 * @param index the register selected, 0 to 127
 * @param offsetSeconds how far the guest's clock is ahead of the host's
 * @param flags register C, bits 4–6
 * @param memory the 128 registers; those of the time count only while the guest sets it
 */
public record CmosRtcState(int index, long offsetSeconds, int flags, Bytes memory) {

    /** How far off a clock can be: no registers hold a year beyond 26 000. */
    static final long MAX_OFFSET_SECONDS = 1_000_000_000_000L;

    /** How it travels. */
    public static final StateCodec<CmosRtcState> CODEC =
            new StateCodec<>() {
                @Override
                public String kind() {
                    return "cmos-rtc";
                }

                @Override
                public int version() {
                    return 1;
                }

                @Override
                public void write(CmosRtcState state, StateWriter out) {
                    out.u8(state.index())
                            .i64(state.offsetSeconds())
                            .u8(state.flags())
                            .bytes(state.memory());
                }

                @Override
                public CmosRtcState read(int version, StateReader in) {
                    return new CmosRtcState(in.u8(), in.i64(), in.u8(), in.bytes(CmosRtc.SIZE));
                }
            };

    /**
     * Checks that a clock can be in this state.
     *
     * @throws IllegalArgumentException if not
     */
    public CmosRtcState {
        Bits.require("index", index, CmosRtc.INDEX_MASK);
        Bits.require("register C", flags, CmosRtc.C_FLAGS);
        if (Math.abs(offsetSeconds) > MAX_OFFSET_SECONDS || offsetSeconds == Long.MIN_VALUE) {
            throw new IllegalArgumentException("offset of %d seconds".formatted(offsetSeconds));
        }
        if (memory.length() != CmosRtc.SIZE) {
            throw new IllegalArgumentException("%d registers".formatted(memory.length()));
        }
        Bits.require("register A", memory.at(CmosRtc.REGISTER_A), 0x7F);
    }
}
