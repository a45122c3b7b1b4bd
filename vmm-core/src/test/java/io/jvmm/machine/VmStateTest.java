// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.PitState;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.StateException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;

/** What the kernel holds for a machine travels into another one. */
@RequiresKvm
class VmStateTest {

    private static final long HOUR = 3_600_000_000_000L;

    private Kvm kvm;
    private KvmVm first;
    private KvmVm second;

    @BeforeEach
    void create() {
        kvm = Kvm.open();
        first = kvm.createVm();
        second = kvm.createVm();
        InterruptControllers.create(first);
        InterruptControllers.create(second);
    }

    @AfterEach
    void close() {
        first.close();
        second.close();
        kvm.close();
    }

    private static PitState timeless(PitState pit) {
        return new PitState(
                pit.timer().loadedAt(0),
                pit.refresh().loadedAt(0),
                pit.speaker().loadedAt(0),
                pit.flags());
    }

    private static VmState timeless(VmState s) {
        return new VmState(
                ClockData.at(0), s.picMaster(), s.picSlave(), s.ioapic(), timeless(s.pit()));
    }

    /** The state of a machine with something in every part that is not there at its birth. */
    private VmState changed() {
        VmState fresh = VmState.capture(first);
        byte[] master = fresh.picMaster().toArray();
        master[2] = (byte) 0xFB;
        byte[] slave = fresh.picSlave().toArray();
        slave[2] = (byte) 0xEF;
        byte[] ioapic = fresh.ioapic().toArray();
        ioapic[8] = 0x12;
        first.setIrqchip(KvmConstants.KVM_IRQCHIP_PIC_MASTER, master);
        first.setIrqchip(KvmConstants.KVM_IRQCHIP_PIC_SLAVE, slave);
        first.setIrqchip(KvmConstants.KVM_IRQCHIP_IOAPIC, ioapic);
        PitState.Channel timer =
                new PitState.Channel(0x4321, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 1, System.nanoTime());
        first.setPit(new PitState(timer, fresh.pit().refresh(), fresh.pit().speaker(), 0));
        first.setClock(ClockData.at(HOUR));
        return VmState.capture(first);
    }

    @Test
    void everyPartArrives() {
        VmState state = changed();
        assertThat(timeless(VmState.capture(second))).isNotEqualTo(timeless(state));
        state.applyClock(second, PausedTime.HIDDEN);
        state.applyControllers(second);
        assertThat(timeless(VmState.capture(second))).isEqualTo(timeless(state));
    }

    @Test
    void aHiddenPauseIsNotSeenByTheGuest() {
        VmState state = savedAnHourAgo(changed());
        state.applyClock(second, PausedTime.HIDDEN);
        assertThat(second.clock().nanoseconds())
                .isBetween(state.clock().nanoseconds(), state.clock().nanoseconds() + HOUR / 2);
    }

    @Test
    void aCountedPauseIs() {
        VmState state = savedAnHourAgo(changed());
        state.applyClock(second, PausedTime.COUNTED);
        assertThat(second.clock().nanoseconds())
                .isBetween(
                        state.clock().nanoseconds() + HOUR / 2,
                        state.clock().nanoseconds() + 2 * HOUR);
    }

    @Test
    void timeDoesNotGoBackOnAHostWhoseClockIsBehind() {
        VmState state = at(changed(), 2 * HOUR);
        state.applyClock(second, PausedTime.COUNTED);
        assertThat(second.clock().nanoseconds())
                .isGreaterThanOrEqualTo(state.clock().nanoseconds());
    }

    private static VmState savedAnHourAgo(VmState state) {
        return at(state, -HOUR);
    }

    private static VmState at(VmState s, long shift) {
        ClockData c = s.clock();
        return new VmState(
                new ClockData(c.nanoseconds(), c.flags(), c.realtime() + shift, c.hostTsc()),
                s.picMaster(),
                s.picSlave(),
                s.ioapic(),
                s.pit());
    }

    @Test
    void travelsAsBytes() {
        VmState state = changed();
        Saved saved = Saved.of(VmState.CODEC, 0, state);
        assertThat(saved.decode(VmState.CODEC)).isEqualTo(state);

        byte[] whole = saved.payload().toArray();
        for (int length = 0; length < whole.length; length += 13) {
            Bytes part = Bytes.copyOf(Arrays.copyOf(whole, length));
            assertThatExceptionOfType(StateException.class)
                    .isThrownBy(() -> new Saved("vm", 0, 1, part).decode(VmState.CODEC));
        }
    }

    @Test
    void controllersHaveTheirSize() {
        VmState s = VmState.capture(first);
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new VmState(s.clock(), Bytes.EMPTY, s.picSlave(), s.ioapic(), s.pit()));
    }
}
