// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** The devices that are one register. */
class SmallPortsTest {

    @Nested
    class ResetControl {

        private final AtomicInteger resets = new AtomicInteger();
        private final ResetPort port = new ResetPort(resets::incrementAndGet);

        @ParameterizedTest
        @ValueSource(ints = {0x04, 0x06, 0x0E, 0xFF})
        void resetBitResets(int value) {
            port.write(0, 1, value);

            assertThat(resets).hasValue(1);
        }

        @ParameterizedTest
        @CsvSource({"0x00, 0x00", "0x02, 0x02", "0x0a, 0x0a", "0xfb, 0x0a"})
        void otherBitsAreKeptWhereTheyExist(String value, String read) {
            port.write(0, 1, Integer.decode(value));

            assertThat(resets).hasValue(0);
            assertThat(port.read(0, 1)).isEqualTo(Long.decode(read));
        }

        @Test
        void resetBitDoesNotReadBack() {
            port.write(0, 1, 0x06);

            assertThat(port.read(0, 1)).isEqualTo(0x02);
        }

        @ParameterizedTest
        @ValueSource(ints = {2, 4, 8})
        void wideAccessIsNotMeantForIt(int size) {
            port.write(0, size, 0x06);

            assertThat(port.read(0, size)).isEqualTo(IoDevice.allOnes(size));
            assertThat(resets).hasValue(0);
        }

        @Test
        void pciAddressWriteDoesNotReset() {
            Bus bus = new Bus();
            bus.attach(0xCF9, 1, port, "reset");

            bus.write(0xCF8, 4, 0x8000_0600L);

            assertThat(resets).hasValue(0);
            assertThat(bus.read(0xCF8, 4)).isEqualTo(0xFFFF_FFFFL);
            assertThat(bus.read(0xCFC, 4)).isEqualTo(0xFFFF_FFFFL);
        }

        @Test
        void stateIsRestored() {
            port.write(0, 1, 0x0A);
            ResetPort restored = new ResetPort(resets::incrementAndGet);

            restored.restore(port.state());

            assertThat(restored.read(0, 1)).isEqualTo(0x0A);
            restored.reset();
            assertThat(restored.read(0, 1)).isZero();
            assertThat(resets).hasValue(0);
        }
    }

    @Nested
    class Panic {

        private final List<PvPanic.Event> events = new ArrayList<>();
        private final PvPanic device = new PvPanic(events::add);

        @Test
        void tellsWhatItUnderstands() {
            assertThat(device.read(0, 1)).isEqualTo(0x03);
        }

        @Test
        void reportsAPanic() {
            device.write(0, 1, 0x01);

            assertThat(events).containsExactly(PvPanic.Event.PANICKED);
        }

        @Test
        void reportsACrashKernel() {
            device.write(0, 1, 0x02);

            assertThat(events).containsExactly(PvPanic.Event.CRASH_LOADED);
        }

        @Test
        void reportsBoth() {
            device.write(0, 1, 0x03);

            assertThat(events).containsExactly(PvPanic.Event.values());
        }

        @ParameterizedTest
        @ValueSource(ints = {0x00, 0x04, 0x80, 0xFC})
        void ignoresWhatItDoesNotUnderstand(int value) {
            device.write(0, 1, value);

            assertThat(events).isEmpty();
        }

        @Test
        void hasOnePort() {
            device.write(1, 1, 0x01);

            assertThat(events).isEmpty();
            assertThat(device.read(1, 1)).isEqualTo(0xFF);
        }
    }

    @Nested
    class TestPort {

        private final List<Integer> messages = new ArrayList<>();
        private final GuestTestPort port = new GuestTestPort(messages::add);

        @ParameterizedTest
        @ValueSource(longs = {0, 1, 0x1234_5678, 0xFFFF_FFFFL})
        void passesMessages(long value) {
            port.write(0, 4, value);

            assertThat(messages).containsExactly((int) value);
        }

        @ParameterizedTest
        @CsvSource({"0, 1", "0, 2", "0, 8", "4, 4", "1, 4"})
        void ignoresOtherAccesses(long offset, int size) {
            port.write(offset, size, 1);

            assertThat(messages).isEmpty();
            assertThat(port.read(offset, size)).isEqualTo(IoDevice.allOnes(size));
        }

        @Test
        void hasASignature() {
            assertThat(port.read(0, 4)).isEqualTo(GuestTestPort.SIGNATURE);
        }
    }

    @Nested
    class Post {

        private final PostCode port = new PostCode();

        @Test
        void keepsTheLastCode() {
            port.write(0, 1, 0x11);
            port.write(0, 1, 0xA5);

            assertThat(port.code()).isEqualTo(0xA5);
            assertThat(port.read(0, 1)).isEqualTo(0xA5);
        }

        @Test
        void hasOnePort() {
            port.write(1, 1, 0x11);

            assertThat(port.code()).isZero();
            assertThat(port.read(1, 1)).isEqualTo(0xFF);
        }
    }
}
