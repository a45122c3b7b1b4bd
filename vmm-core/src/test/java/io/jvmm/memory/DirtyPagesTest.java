// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** What the monitor writes is seen by a snapshot or a migration, whichever method wrote it. */
class DirtyPagesTest {

    private static final int PAGE = 4096;
    private static final long HIGH = 0x1_0000_0000L;
    private static final int PAGES = 100;

    private final Arena arena = Arena.ofAuto();
    private final GuestMemory memory =
            new GuestMemory(
                    List.of(
                            new MemoryRegion(0, arena.allocate((long) PAGES * PAGE, PAGE)),
                            new MemoryRegion(HIGH, arena.allocate(PAGE, PAGE))));

    private static List<Consumer<GuestMemory>> writesToPagesOneAndTwo() {
        long end = 2 * PAGE;
        return List.of(
                memory -> memory.writeU16(end - 1, 1),
                memory -> memory.writeU32(end - 2, 1),
                memory -> memory.writeU64(end - 4, 1),
                memory -> {
                    memory.writeU8(end - 1, 1);
                    memory.writeU8(end, 1);
                },
                memory -> memory.copyIn(end - 1, new byte[2]),
                memory -> memory.copyIn(end - 1, MemorySegment.ofArray(new byte[PAGE + 1])),
                memory -> memory.writable(end - 1, 2).fill((byte) 1),
                memory -> memory.written(end - 1, 2),
                memory -> {
                    memory.compareAndSetU32(end - 4, 0, 1);
                    memory.compareAndExchangeU64(end, 0, 1);
                });
    }

    @ParameterizedTest
    @MethodSource("writesToPagesOneAndTwo")
    void everyWayOfWritingMarksItsPages(Consumer<GuestMemory> write) {
        DirtyPages dirty = memory.trackWrites();
        write.accept(memory);
        assertThat(collect(dirty, 0)).containsExactly(0b110L, 0L);
        assertThat(collect(dirty, 0)).containsExactly(0L, 0L);
        assertThat(collect(dirty, 1)).containsExactly(0L);
    }

    @Test
    void readingMarksNothing() {
        DirtyPages dirty = memory.trackWrites();
        memory.readU64(0);
        memory.copyOut(0, new byte[PAGE]);
        MemorySegment _ = memory.readable(0, PAGE);
        MemorySegment _ = memory.writable(PAGE, 0);
        memory.copyIn(PAGE, new byte[0]);
        assertThat(collect(dirty, 0)).containsExactly(0L, 0L);
    }

    @Test
    void eachRegionHasItsOwnMarks() {
        DirtyPages dirty = memory.trackWrites();
        memory.writeU8(HIGH + 5, 1);
        memory.writeU8(99 * PAGE, 1);
        assertThat(collect(dirty, 0)).containsExactly(0L, 1L << (99 - 64));
        assertThat(collect(dirty, 1)).containsExactly(1L);
    }

    @Test
    void marksAreAddedToWhatTheLogOfTheKernelHas() {
        DirtyPages dirty = memory.trackWrites();
        memory.writeU8(0, 1);
        MemorySegment log = arena.allocate(dirty.bitmapBytes(0), 8);
        log.set(JAVA_LONG, 0, 1L << 63);
        assertThat(dirty.collect(0, log)).isEqualTo(1);
        assertThat(log.get(JAVA_LONG, 0)).isEqualTo(1L << 63 | 1);
    }

    @Test
    void nothingIsMarkedBeforeAndAfter() {
        memory.writeU8(0, 1);
        DirtyPages first = memory.trackWrites();
        assertThatIllegalStateException().isThrownBy(memory::trackWrites);
        assertThat(collect(first, 0)).containsExactly(0L, 0L);
        memory.stopTrackingWrites();
        memory.writeU8(0, 1);
        assertThat(collect(first, 0)).containsExactly(0L, 0L);
        assertThat(memory.trackWrites()).isNotSameAs(first);
    }

    /** The content of a collected page is at least as new as its mark. */
    @Test
    @Timeout(60)
    void aWriteDuringACollectionIsNeverLost() {
        DirtyPages dirty = memory.trackWrites();
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Void> writer =
                CompletableFuture.runAsync(() -> {
                    for (long i = 1; i <= 300_000; i++) {
                        memory.writeU64(i % PAGES * PAGE, i);
                    }
                    done.set(true);
                });
        byte[] copy = new byte[PAGES * PAGE];
        GuestMemory target =
                new GuestMemory(List.of(new MemoryRegion(0, arena.allocate(copy.length, PAGE))));
        boolean last;
        do {
            last = done.get();
            long[] marks = collect(dirty, 0);
            for (int page = 0; page < PAGES; page++) {
                if ((marks[page / 64] >>> page & 1) != 0) {
                    target.writeU64((long) page * PAGE, memory.readU64((long) page * PAGE));
                }
            }
        } while (!last);
        writer.join();
        for (int page = 0; page < PAGES; page++) {
            long gpa = (long) page * PAGE;
            assertThat(target.readU64(gpa)).as("page %d", page).isEqualTo(memory.readU64(gpa));
        }
    }

    private long[] collect(DirtyPages dirty, int region) {
        MemorySegment bitmap = arena.allocate(dirty.bitmapBytes(region), 8);
        dirty.collect(region, bitmap);
        return bitmap.toArray(JAVA_LONG);
    }
}
