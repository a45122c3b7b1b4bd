// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

class GuestMemoryTest {

    private static final long PAGE = 4096;
    private static final long HIGH = 0x1_0000_0000L;

    private final Arena arena = Arena.ofConfined();
    private final GuestMemory memory =
            new GuestMemory(List.of(region(HIGH, PAGE), region(0, 2 * PAGE)));

    @AfterEach
    void close() {
        arena.close();
    }

    private MemoryRegion region(long gpa, long size) {
        return new MemoryRegion(gpa, arena.allocate(size, PAGE));
    }

    @Test
    void sortsItsRegions() {
        assertThat(memory.regions()).extracting(MemoryRegion::gpa).containsExactly(0L, HIGH);
        assertThat(memory.sizeBytes()).isEqualTo(3 * PAGE);
    }

    @Test
    void valuesAreLittleEndianAndZeroExtended() {
        memory.writeU64(16, 0xF1E2_D3C4_B5A6_9788L);
        assertThat(memory.readU8(16)).isEqualTo(0x88);
        assertThat(memory.readU16(16)).isEqualTo(0x9788);
        assertThat(memory.readU32(16)).isEqualTo(0xB5A6_9788L);
        assertThat(memory.readU32(20)).isEqualTo(0xF1E2_D3C4L);
        assertThat(memory.readU64(16)).isEqualTo(0xF1E2_D3C4_B5A6_9788L);
    }

    @Test
    void writesTouchOnlyTheirBytes() {
        memory.writable(0, 32).fill((byte) 0xEE);
        memory.writeU8(1, 0x1FF);
        memory.writeU16(3, 0x1_0203);
        memory.writeU32(7, -1);
        byte[] bytes = new byte[12];
        memory.copyOut(0, bytes);
        byte e = (byte) 0xEE;
        byte f = (byte) 0xFF;
        assertThat(bytes).containsExactly(e, f, e, 3, 2, e, e, f, f, f, f, e);
    }

    @Test
    void copiesInAndOut() {
        memory.copyIn(HIGH + 10, new byte[] {1, 2, 3});
        memory.copyIn(HIGH + 13, new byte[] {9, 4, 5, 9}, 1, 2);
        memory.copyIn(HIGH + 15, MemorySegment.ofArray(new byte[] {6}));
        MemorySegment out = arena.allocate(6);
        memory.copyOut(HIGH + 10, out);
        assertThat(out.toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void aWritableSegmentIsTheMemoryItself() {
        memory.writable(HIGH + 8, 8).set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
        assertThat(memory.readU8(HIGH + 8)).isEqualTo(7);
    }

    @Test
    void aReadableSegmentCannotBeWritten() {
        MemorySegment bytes = memory.readable(0, 8);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> bytes.set(ValueLayout.JAVA_BYTE, 0, (byte) 7));
    }

    @Test
    void aValueMayCrossIntoTheRegionBehind() {
        GuestMemory two = new GuestMemory(List.of(region(0, PAGE), region(PAGE, PAGE)));
        two.writeU64(PAGE - 3, 0xF1E2_D3C4_B5A6_9788L);
        assertThat(two.readU64(PAGE - 3)).isEqualTo(0xF1E2_D3C4_B5A6_9788L);
        assertThat(two.readU8(PAGE)).isEqualTo(0xB5);
        two.writeU32(PAGE - 1, 0x1122_3344);
        assertThat(two.readU32(PAGE - 1)).isEqualTo(0x1122_3344);
        two.writeU16(PAGE - 1, 0x5566);
        assertThat(two.readU16(PAGE - 1)).isEqualTo(0x5566);
    }

    @Test
    void aCopyMayCrossIntoTheRegionBehind() {
        GuestMemory two = new GuestMemory(List.of(region(0, PAGE), region(PAGE, PAGE)));
        two.copyIn(PAGE - 2, new byte[] {1, 2, 3, 4, 5});
        byte[] out = new byte[5];
        two.copyOut(PAGE - 2, out);
        assertThat(out).containsExactly(1, 2, 3, 4, 5);
        assertThat(two.contains(0, 2 * PAGE)).isTrue();
        assertThat(two.contiguous(PAGE - 2, 5)).isEqualTo(2);
        assertThat(two.contiguous(PAGE, 5)).isEqualTo(5);
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> two.readable(PAGE - 2, 5))
                .withMessageContaining("one region");
    }

    @Test
    void aCopyThatDoesNotFitChangesNothing() {
        GuestMemory two = new GuestMemory(List.of(region(0, PAGE), region(PAGE, PAGE)));
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> two.copyIn(PAGE - 2, new byte[(int) PAGE + 3]));
        byte[] all = new byte[(int) (2 * PAGE)];
        two.copyOut(0, all);
        assertThat(all).containsOnly(0);
    }

    @Test
    void exchangesCompareFirst() {
        memory.writeU64(8, 5);
        assertThat(memory.compareAndExchangeU64(8, 4, 9)).isEqualTo(5);
        assertThat(memory.compareAndExchangeU64(8, 5, 9)).isEqualTo(5);
        assertThat(memory.readU64(8)).isEqualTo(9);
        assertThat(memory.compareAndSetU32(8, 8, 1)).isFalse();
        assertThat(memory.compareAndSetU32(8, 9, 1)).isTrue();
        assertThat(memory.readU64(8)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 8192",
        "8191, 1",
        "8192, 0",
        "4294967296, 4096",
        "4294971391, 1",
    })
    void containsRangesWithinARegion(long gpa, long length) {
        assertThat(memory.contains(gpa, length)).isTrue();
        assertThat(memory.readable(gpa, length).byteSize()).isEqualTo(length);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 8193",
        "8192, 1",
        "-1, 1",
        "-1, 2",
        "4294967295, 1",
        "4294967295, 2",
        "4294971392, 1",
        "0, -1",
        "1, 9223372036854775807",
        "9223372036854775807, 9223372036854775807",
        "-9223372036854775808, 1",
        "0, -9223372036854775808",
    })
    void refusesEveryOtherRange(long gpa, long length) {
        assertThat(memory.contains(gpa, length)).isFalse();
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> memory.readable(gpa, length))
                .satisfies(e -> {
                    assertThat(e.gpa()).isEqualTo(gpa);
                    assertThat(e.length()).isEqualTo(length);
                });
    }

    @Test
    void anAccessAcrossTheEndOfARegionIsRefused() {
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> memory.readU32(2 * PAGE - 3))
                .withMessageContaining("0x1ffd");
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> memory.writeU64(HIGH + PAGE - 7, 0));
    }

    @Test
    void refusesOverlapEmptinessAndMisalignment() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GuestMemory(List.of()))
                .withMessageContaining("at least one");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GuestMemory(List.of(region(0, 2 * PAGE), region(PAGE, PAGE))))
                .withMessageContaining("0x1000 overlaps");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> region(1, PAGE))
                .withMessageContaining("4 KiB page");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> region(-PAGE, PAGE))
                .withMessageContaining("4 KiB page");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> region(0, PAGE + 1))
                .withMessageContaining("4097 bytes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryRegion(0, MemorySegment.NULL))
                .withMessageContaining("0 bytes");
    }

    @Test
    void accessorsAllocateNothing() {
        var bean =
                (com.sun.management.ThreadMXBean)
                        java.lang.management.ManagementFactory.getThreadMXBean();
        for (int i = 0; i < 20_000; i++) {
            touch();
        }
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20 && least > 0; round++) {
            long before = bean.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 20_000; i++) {
                touch();
            }
            least = Math.min(least, bean.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).isZero();
    }

    private void touch() {
        memory.writeU64(HIGH, memory.readU64(8) + 1);
        memory.writeU32(16, memory.readU32(HIGH) + 1);
        memory.writeU16(HIGH + 2, memory.readU16(16) + 1);
        memory.writeU8(3, memory.readU8(HIGH + 9) + 1);
    }
}
