// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.jvmm.bus.AddressSpace;
import io.jvmm.bus.ByteIoDevice;
import io.jvmm.bus.Device;
import io.jvmm.bus.Doorbell;
import io.jvmm.bus.IoRange;
import io.jvmm.state.ComponentState;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateException;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** What is done to devices is done to all of them, by what each says of itself. */
class DeviceManagerTest {

    private final IoEvents events = new IoEvents("test", cause -> {});
    private final DeviceManager manager = new DeviceManager(events);
    private final List<String> told = new ArrayList<>();

    @AfterEach
    void close() {
        events.close();
    }

    private static final StateCodec<Integer> CODEC =
            new StateCodec<>() {
                @Override
                public String kind() {
                    return "register";
                }

                @Override
                public int version() {
                    return 1;
                }

                @Override
                public void write(Integer state, StateWriter out) {
                    out.i32(state);
                }

                @Override
                public Integer read(int version, StateReader in) {
                    return in.i32();
                }
            };

    /** A register of one port. */
    private class Register implements Device, ByteIoDevice {

        private final String name;
        private final int port;
        private int value;

        Register(String name, int port) {
            this.name = name;
            this.port = port;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public List<IoRange> ranges() {
            return List.of(IoRange.ports(port, 1, this));
        }

        @Override
        public int readByte(long offset) {
            return value;
        }

        @Override
        public void writeByte(long offset, int newValue) {
            value = newValue;
        }

        @Override
        public void pause() {
            told.add(name + " pauses");
        }

        @Override
        public void resume() {
            told.add(name + " resumes");
        }

        @Override
        public void reset() {
            value = 0;
        }

        @Override
        public void close() {
            told.add(name + " closes");
        }

        @Override
        public ComponentState savedState() {
            return ComponentState.required(CODEC, () -> value, (saved, passed) -> value = saved);
        }
    }

    @Test
    void allAreReachedPausedResetAndClosed() {
        manager.add(new Register("a", 0x10));
        manager.add(new Register("b", 0x11));
        manager.ports().write(0x11, 1, 7);
        assertThat(manager.ports().read(0x11, 1)).isEqualTo(7);
        manager.pause();
        manager.resume();
        manager.reset();
        assertThat(manager.ports().read(0x11, 1)).isZero();
        manager.close();
        assertThat(told)
                .containsExactly(
                        "a pauses", "b pauses", "a resumes", "b resumes", "b closes", "a closes");
    }

    @Test
    void whenOneDoesNotPauseThoseBeforeItGoOn() {
        manager.add(new Register("a", 0x10));
        manager.add(
                new Register("b", 0x11) {
                    @Override
                    public void pause() {
                        throw new IllegalStateException("no");
                    }
                });
        manager.add(new Register("c", 0x12));
        assertThatIllegalStateException().isThrownBy(manager::pause);
        assertThat(told).containsExactly("a pauses", "a resumes");
    }

    @Test
    void devicesOfOneKindAreSavedAndRestoredEachByItself() {
        Register a = manager.add(new Register("a", 0x10));
        Register b = manager.add(new Register("b", 0x11));
        a.value = 1;
        b.value = 2;
        List<Saved> saved = manager.save();
        assertThat(saved).extracting(Saved::toString).containsExactly("register/0", "register/1");
        manager.reset();
        SavedComponents components = new SavedComponents(saved);
        manager.restore(components, 0);
        components.finish();
        assertThat(a.value).isEqualTo(1);
        assertThat(b.value).isEqualTo(2);
    }

    @Test
    void anOptionalStateMayBeMissingAndARequiredOneMayNot() {
        Register optional =
                manager.add(
                        new Register("a", 0x10) {
                            @Override
                            public ComponentState savedState() {
                                return ((ComponentState.Kept<?>) super.savedState()).optional();
                            }
                        });
        optional.value = 3;
        manager.restore(new SavedComponents(List.of()), 0);
        assertThat(optional.value).isEqualTo(3);
        manager.add(new Register("b", 0x11));
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> manager.restore(new SavedComponents(List.of()), 0))
                .withMessageContaining("register/1 is missing");
    }

    @Test
    void aDeviceThatCannotBeSavedKeepsItsMachineFromBeingSaved() {
        manager.add(
                new Register("a", 0x10) {
                    @Override
                    public ComponentState savedState() {
                        return ComponentState.notSavable("its state is in hardware");
                    }
                });
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(manager::save)
                .withMessageContaining("a (its state is in hardware)");
    }

    @Test
    void namesRangesAndDoorbellsAreADevicesOwn() {
        manager.add(new Register("a", 0x10));
        assertThatExceptionOfType(MachineException.class)
                .isThrownBy(() -> manager.add(new Register("a", 0x11)))
                .withMessageContaining("two devices of the name a");
        assertThatExceptionOfType(MachineException.class)
                .isThrownBy(() -> manager.add(new Register("b", 0x10)))
                .withMessageContaining("device b cannot be built in")
                .withMessageContaining("overlaps a");
        for (Doorbell elsewhere :
                List.of(bell(AddressSpace.MMIO, 0x20, 1), bell(AddressSpace.PORT, 0x20, 2))) {
            DeviceManager other = new DeviceManager(events);
            assertThatExceptionOfType(MachineException.class)
                    .isThrownBy(() ->
                            other.add(
                                    new Register("c", 0x20) {
                                        @Override
                                        public List<Doorbell> doorbells() {
                                            return List.of(elsewhere);
                                        }
                                    }))
                    .withMessageContaining("doorbell at 0x20");
        }
        // What could not be built in is closed with the machine all the same.
        manager.close();
        assertThat(told).containsExactly("b closes", "a closes", "a closes");
    }

    private static Doorbell bell(AddressSpace space, long address, int width) {
        return new Doorbell(space, address, width, OptionalLong.empty(), () -> {});
    }
}
