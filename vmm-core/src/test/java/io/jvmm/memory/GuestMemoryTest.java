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
        memory.slice(0, 32).fill((byte) 0xEE);
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
    void aSliceIsTheMemoryItself() {
        memory.slice(HIGH + 8, 8).set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
        assertThat(memory.readU8(HIGH + 8)).isEqualTo(7);
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
        assertThat(memory.slice(gpa, length).byteSize()).isEqualTo(length);
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
                .isThrownBy(() -> memory.slice(gpa, length))
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
