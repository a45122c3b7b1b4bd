// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;

class BusTest {

    private final Bus bus = new Bus();
    private final RecordingDevice device = new RecordingDevice(0x1122_3344_5566_7788L);

    @ParameterizedTest
    @CsvSource({"1, 0x88", "2, 0x7788", "4, 0x55667788", "8, 0x1122334455667788"})
    void readIsCutToItsSize(int size, String expected) {
        bus.attach(0x100, 8, device, "device");

        assertThat(bus.read(0x100, size)).isEqualTo(Long.decode(expected));
        assertThat(device.size).isEqualTo(size);
    }

    @ParameterizedTest
    @CsvSource({"1, 0xff", "2, 0xffff", "4, 0xffffffff"})
    void writtenValueIsZeroExtended(int size, String expected) {
        bus.attach(0x100, 8, device, "device");

        bus.write(0x100, size, -1);

        assertThat(device.value).isEqualTo(Long.decode(expected));
    }

    @Test
    void fullWidthWriteKeepsAllBits() {
        bus.attach(0x100, 8, device, "device");

        bus.write(0x100, 8, -2);

        assertThat(device.value).isEqualTo(-2);
    }

    @Test
    void deviceSeesOffsetsFromItsBase() {
        bus.attach(0x3F8, 8, device, "device");

        bus.write(0x3FF, 1, 0x5A);

        assertThat(device.offset).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({"1, 0xff", "2, 0xffff", "4, 0xffffffff", "8, -1"})
    void nobodyAnswersAllOnes(int size, String expected) {
        assertThat(bus.read(0xCFC, size)).isEqualTo(Long.decode(expected));
    }

    @Test
    void unclaimedAccessesAreCounted() {
        bus.read(0x80, 1);
        bus.write(0x80, 1, 0);
        bus.write(0x80, 1, 0);

        assertThat(bus.unclaimedReads()).isEqualTo(1);
        assertThat(bus.unclaimedWrites()).isEqualTo(2);
    }

    @Test
    void claimedAccessesAreNotCounted() {
        bus.attach(0x80, 1, device, "device");

        bus.read(0x80, 1);
        bus.write(0x80, 1, 0);

        assertThat(bus.unclaimedReads()).isZero();
        assertThat(bus.unclaimedWrites()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0x107, 2", "0x105, 4", "0x101, 8", "0x0ff, 2", "0x0fd, 4"})
    void accessAcrossTheEdgeOfADeviceIsAnsweredByNobody(String address, int size) {
        bus.attach(0x100, 8, device, "device");

        assertThat(bus.read(Long.decode(address), size)).isEqualTo(IoDevice.allOnes(size));
        bus.write(Long.decode(address), size, 0);

        assertThat(device.reads + device.writes).isZero();
        assertThat(bus.unclaimedReads()).isEqualTo(1);
        assertThat(bus.unclaimedWrites()).isEqualTo(1);
    }

    @Test
    void accessAcrossTwoDevicesIsAnsweredByNeither() {
        RecordingDevice second = new RecordingDevice(0);
        bus.attach(0xCF8, 1, device, "first");
        bus.attach(0xCF9, 1, second, "second");

        bus.write(0xCF8, 2, 0x0606);

        assertThat(device.writes + second.writes).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5, 6, 7})
    void accessOfOddWidthIsAnsweredByNobody(int size) {
        bus.attach(0x100, 0x100, device, "device");

        assertThat(bus.read(0x100, size)).isEqualTo((1L << (8 * size)) - 1);
        bus.write(0x100, size, 0);

        assertThat(device.reads + device.writes).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0x101, 2", "0x103, 4", "0x10d, 2", "0x101, 8"})
    void unalignedAccessWithinADeviceReachesIt(String address, int size) {
        bus.attach(0x100, 16, device, "device");

        bus.read(Long.decode(address), size);

        assertThat(device.offset).isEqualTo(Long.decode(address) - 0x100);
        assertThat(device.size).isEqualTo(size);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void emptyRangeIsRefused(long length) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bus.attach(0x100, length, device, "device"))
                .withMessageContaining("device");
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 1",
        "-9223372036854775808, 1",
        "9223372036854775807, 2",
        "1, -1",
        "2, 9223372036854775807"
    })
    void rangeBeyondTheAddressSpaceIsRefused(long base, long length) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bus.attach(base, length, device, "device"));
    }

    @Test
    void rangeMayEndWithTheAddressSpace() {
        bus.attach(Long.MAX_VALUE, 1, device, "last");

        bus.read(Long.MAX_VALUE, 1);
        assertThat(device.reads).isEqualTo(1);
        assertThat(bus.read(Long.MAX_VALUE, 2)).isEqualTo(0xFFFF);
        assertThat(device.reads).isEqualTo(1);
    }

    @Test
    void wholeAddressSpaceCanBeOneDevice() {
        bus.attach(0, Long.MAX_VALUE, device, "all");

        bus.read(0, 8);
        bus.read(Long.MAX_VALUE - 8, 8);

        assertThat(device.reads).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, -8, Long.MIN_VALUE})
    void negativeAddressIsNobodys(long address) {
        bus.attach(0, Long.MAX_VALUE, device, "all");

        assertThat(bus.read(address, 1)).isEqualTo(0xFF);
    }

    @ParameterizedTest
    @CsvSource({"0x100, 8", "0x0ff, 2", "0x107, 1", "0x0f0, 0x100", "0x102, 2", "0, 0x101"})
    void overlapIsRefusedAndNamesBoth(String base, String length) {
        bus.attach(0x100, 8, device, "first");

        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> bus.attach(Long.decode(base), Long.decode(length), device, "second"))
                .withMessageContainingAll("first", "second");
    }

    @Test
    void neighboursAreNoOverlap() {
        RecordingDevice below = new RecordingDevice(1);
        RecordingDevice above = new RecordingDevice(3);
        bus.attach(0x108, 8, above, "above");
        bus.attach(0x0F8, 8, below, "below");
        bus.attach(0x100, 8, device, "middle");

        assertThat(bus.read(0xFF, 1)).isEqualTo(1);
        assertThat(bus.read(0x107, 1)).isEqualTo(0x88);
        assertThat(bus.read(0x108, 1)).isEqualTo(3);
    }

    @Test
    void refusedDeviceLeavesTheBusAsItWas() {
        bus.attach(0x100, 8, device, "first");
        RecordingDevice refused = new RecordingDevice(0);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> bus.attach(0x104, 8, refused, "second"));

        assertThat(bus.read(0x104, 1)).isEqualTo(0x88);
        assertThat(bus.read(0x108, 1)).isEqualTo(0xFF);
    }

    @Test
    void detachedDeviceAnswersNoMore() {
        bus.attach(0x100, 8, device, "device");

        bus.detach(0x100);

        assertThat(bus.read(0x100, 1)).isEqualTo(0xFF);
        assertThat(device.reads).isZero();
    }

    @Test
    void detachedRangeCanBeAttachedAgain() {
        bus.attach(0x100, 8, device, "device");
        bus.detach(0x100);

        bus.attach(0x100, 8, device, "device");

        assertThat(bus.read(0x100, 1)).isEqualTo(0x88);
    }

    @ParameterizedTest
    @ValueSource(longs = {0x101, 0xFF, 0})
    void onlyABaseCanBeDetached(long base) {
        bus.attach(0x100, 8, device, "device");

        assertThatIllegalArgumentException().isThrownBy(() -> bus.detach(base));
    }

    @Test
    void everyAddressFindsItsDeviceAmongMany() {
        record Range(long base, long length, RecordingDevice device) {}
        Random random = new Random(42);
        List<Range> ranges = new ArrayList<>();
        long next = 0;
        for (int i = 0; i < 200; i++) {
            long base = next + random.nextInt(5);
            long length = 1L + random.nextInt(20);
            ranges.add(new Range(base, length, new RecordingDevice(i)));
            next = base + length;
        }
        List<Range> shuffled = new ArrayList<>(ranges);
        Collections.shuffle(shuffled, random);
        shuffled.forEach(r -> bus.attach(r.base, r.length, r.device, "range " + r.base));

        for (long address = 0; address < next + 10; address++) {
            long at = address;
            long expected =
                    ranges.stream()
                            .filter(r -> r.base <= at && at < r.base + r.length)
                            .findFirst()
                            .map(r -> (long) ranges.indexOf(r))
                            .orElse(0xFFL);
            assertThat(bus.read(address, 1)).as("address %d", address).isEqualTo(expected);
        }
    }

    @Test
    void accessesAllocateNothing() {
        for (int i = 0; i < 16; i++) {
            bus.attach(0x100 + 16 * i, 8, device, "device " + i);
        }

        long bytes =
                AllocationMeter.bytesAllocatedBy(
                        () -> {
                            bus.write(0x148, 1, bus.read(0x140, 1));
                            bus.write(0x150, 4, bus.read(0x1F4, 4));
                            bus.read(0x80, 1);
                        },
                        50_000);

        assertThat(bytes).isZero();
    }

    @Test
    @Timeout(30)
    void accessesGoOnWhileDevicesComeAndGo() throws InterruptedException {
        bus.attach(0x100, 8, new RecordingDevice(0x55), "constant");
        AtomicBoolean wrong = new AtomicBoolean();
        AtomicBoolean done = new AtomicBoolean();
        Thread reader =
                Thread.ofPlatform()
                        .start(() -> {
                            while (!done.get()) {
                                if (bus.read(0x104, 1) != 0x55) {
                                    wrong.set(true);
                                }
                            }
                        });

        for (int i = 0; i < 10_000; i++) {
            bus.attach(0x0F0, 8, device, "guest below");
            bus.attach(0x200, 8, device, "guest above");
            bus.detach(0x0F0);
            bus.detach(0x200);
        }
        done.set(true);
        reader.join();

        assertThat(wrong).isFalse();
    }
}
