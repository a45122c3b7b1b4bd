// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

import java.util.ArrayList;
import java.util.List;

/** How {@link UartState} travels: two bytes for a character or the divisor, one for the rest. */
final class UartCodec implements StateCodec<UartState> {

    @Override
    public String kind() {
        return "uart-16550";
    }

    @Override
    public int version() {
        return 1;
    }

    @Override
    public void write(UartState state, StateWriter out) {
        out.u8(state.ier())
                .u8(state.fcr())
                .u8(state.lcr())
                .u8(state.mcr())
                .u8(state.scr())
                .u16(state.divisor())
                .u8(state.lineErrors())
                .u8(state.modemLines())
                .u8(state.modemDeltas())
                .flag(state.transmitterInterrupt())
                .flag(state.breakWaiting())
                .i32(state.received().size());
        state.received().forEach(out::u16);
    }

    @Override
    public UartState read(int version, StateReader in) {
        return new UartState(
                in.u8(),
                in.u8(),
                in.u8(),
                in.u8(),
                in.u8(),
                in.u16(),
                in.u8(),
                in.u8(),
                in.u8(),
                in.flag(),
                in.flag(),
                characters(in));
    }

    private static List<Integer> characters(StateReader in) {
        int count = in.count(ReceiveFifo.DEPTH);
        List<Integer> characters = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            characters.add(in.u16());
        }
        return characters;
    }
}
