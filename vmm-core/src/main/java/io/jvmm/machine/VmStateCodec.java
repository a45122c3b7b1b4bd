// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.PitState;
import io.jvmm.state.Bytes;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/** How a {@link VmState} travels: its parts in their order. */
final class VmStateCodec implements StateCodec<VmState> {

    @Override
    public String kind() {
        return "vm";
    }

    @Override
    public int version() {
        return 1;
    }

    @Override
    public void write(VmState state, StateWriter out) {
        ClockData clock = state.clock();
        out.i64(clock.nanoseconds()).i32(clock.flags()).i64(clock.realtime()).i64(clock.hostTsc());
        out.bytes(state.picMaster());
        out.bytes(state.picSlave());
        out.bytes(state.ioapic());
        write(state.pit().timer(), out);
        write(state.pit().refresh(), out);
        write(state.pit().speaker(), out);
        out.i32(state.pit().flags());
    }

    private static void write(PitState.Channel c, StateWriter out) {
        out.i32(c.count()).u16(c.latchedCount());
        out.u8(c.countLatched()).u8(c.statusLatched()).u8(c.status()).u8(c.readState());
        out.u8(c.writeState()).u8(c.writeLatch()).u8(c.rwMode()).u8(c.mode()).u8(c.bcd());
        out.u8(c.gate()).i64(c.countLoadTime());
    }

    @Override
    public VmState read(int version, StateReader in) {
        return new VmState(
                new ClockData(in.i64(), in.i32(), in.i64(), in.i64()),
                chip(in),
                chip(in),
                chip(in),
                new PitState(channel(in), channel(in), channel(in), in.i32()));
    }

    private static Bytes chip(StateReader in) {
        return in.bytes(VmState.CHIP_SIZE);
    }

    private static PitState.Channel channel(StateReader in) {
        return new PitState.Channel(
                in.i32(), in.u16(), in.u8(), in.u8(), in.u8(), in.u8(), in.u8(), in.u8(), in.u8(),
                in.u8(), in.u8(), in.u8(), in.i64());
    }
}
