// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.service.FaultService;
import io.jvmm.paging.source.MemoryPageSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;

/** Guest memory whose pages are missing, on the real kernel. */
@RequiresUserfaultfd
@Timeout(60)
class GuestMemoryGateTest {

    private static final long BYTES = 8 << 20;
    private static final long HALF = BYTES / 2;

    private final MemorySegment image = Arena.ofAuto().allocate(HALF, 4096);

    private void withMemory(Duration deadline, java.util.function.Consumer<GuestMemory> test) {
        PageSource source = new MemoryPageSource(0, image);
        PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
        try (Mapping mapping = Mapping.anonymous(BYTES);
                FaultService service = new FaultService(source, config, _ -> {})) {
            service.attach(List.of(new GuestRange(0, mapping.address(), BYTES)));
            GuestMemory memory = new GuestMemory(List.of(new MemoryRegion(0, mapping.segment())));
            memory.gate(service, deadline);
            test.accept(memory);
        }
    }

    @Test
    void everyAccessBringsItsPagesFirst() {
        image.fill((byte) 0x3C);
        withMemory(
                Duration.ofSeconds(30),
                memory -> {
                    assertThat(memory.readU8(5)).isEqualTo(0x3C);
                    assertThat(memory.readU64(4092)).isEqualTo(0x3C3C_3C3C_3C3C_3C3CL);
                    memory.writeU32(3 * 4096 - 2, 0x1122_3344);
                    assertThat(memory.readU32(3 * 4096 - 2)).isEqualTo(0x1122_3344);
                    byte[] bytes = new byte[100_000];
                    memory.copyOut(200_000, bytes);
                    assertThat(bytes).containsOnly(0x3C);
                    memory.copyIn(1 << 20, new byte[8192]);
                    assertThat(memory.readU16((1 << 20) + 8191)).isEqualTo(0x3C00);
                    assertThat(memory.readable(2 << 20, 50_000).mismatch(image.asSlice(0, 50_000)))
                            .isEqualTo(-1);
                });
    }

    /** A page that never comes would be waited for by anything that waits. */
    @Test
    void whetherARangeIsThereIsToldWithoutAWait() {
        withMemory(
                Duration.ofDays(1),
                memory -> {
                    assertThat(memory.isPresent(HALF, 1)).isFalse();
                    assertThat(memory.isPresent(4000, 200)).isFalse();
                    assertThat(memory.readU8(4000)).isZero();
                    assertThat(memory.isPresent(4000, 96)).isTrue();
                    assertThat(memory.isPresent(4000, 97)).as("asked for nothing else").isFalse();
                    assertThat(memory.readU8(4096)).isZero();
                    assertThat(memory.isPresent(4000, 97)).isTrue();
                });
    }

    @Test
    void aPageThatDoesNotComeIsATypedFailure() {
        withMemory(
                Duration.ofMillis(50),
                memory ->
                        assertThatThrownBy(() -> memory.readU8(HALF))
                                .isInstanceOfSatisfying(
                                        GuestMemoryException.class,
                                        e -> {
                                            assertThat(e.missing())
                                                    .contains(PagingException.Reason.LOST);
                                            assertThat(e.gpa()).isEqualTo(HALF);
                                        }));
    }

    @Test
    void aBadRangeIsRefusedBeforeAnythingIsBrought() {
        withMemory(
                Duration.ofSeconds(30),
                memory ->
                        assertThatThrownBy(() -> memory.readable(BYTES - 1, 2))
                                .isInstanceOfSatisfying(
                                        GuestMemoryException.class,
                                        e -> assertThat(e.missing()).isEmpty()));
    }
}
