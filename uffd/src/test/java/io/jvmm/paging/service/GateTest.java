// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.source.MemoryPageSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.Random;

/** Java code asks for pages, and touches them afterwards. */
@RequiresUserfaultfd
@Timeout(120)
class GateTest {

    private static final long MIB = 1 << 20;
    private static final long BYTES = 16 * MIB;
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(30);
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);

    private final PatternSource pattern = new PatternSource(13);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasAskedForMayBeTouched(boolean synchronous) {
        PageSource source = synchronous ? pattern : new RemoteSource(pattern, 2, 0);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, source, QUIET.withUnit(1, 4))) {
            Random random = new Random(1);
            for (int i = 0; i < 500; i++) {
                long gpa = random.nextLong(BYTES - 20_000);
                long length = 1L + random.nextInt(20_000);
                memory.service.populate(gpa, length, LONG);
                for (long at = gpa & -Pattern.PAGE; at < gpa + length; at += Pattern.PAGE) {
                    long value = pattern.isZero(at) ? 0 : Pattern.of(at);
                    assertThat(Pattern.isFullOf(memory.segment(), at, value)).isTrue();
                }
            }
            assertThat(memory.service.statistics().pages(Cause.GATE)).isPositive();
            memory.service.populate(0, BYTES, LONG);
            memory.awaitAllPresent();
            memory.service.populate(0, BYTES, Duration.ZERO);
        }
    }

    @Test
    void manyGatedReadersAndAGuestDoNotHoldEachOtherUp() throws InterruptedException {
        RemoteSource source = new RemoteSource(pattern, 2, 0);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, source, QUIET.withUnit(1, 8))) {
            Thread[] readers = new Thread[6];
            long[] wrong = new long[readers.length];
            for (int t = 0; t < readers.length; t++) {
                int own = t;
                readers[t] =
                        Thread.ofPlatform()
                                .start(() -> {
                                    Random random = new Random(own);
                                    for (int i = 0; i < 1000; i++) {
                                        long gpa =
                                                (long) random.nextInt(memory.pages())
                                                        * Pattern.PAGE;
                                        memory.service.populate(gpa, 8, LONG);
                                        long value = pattern.isZero(gpa) ? 0 : Pattern.of(gpa);
                                        if (!Pattern.isFullOf(memory.segment(), gpa, value)) {
                                            wrong[own]++;
                                        }
                                    }
                                });
            }
            for (int page = 0; page < memory.pages(); page += 5) {
                assertThat(memory.read(page)).isZero();
            }
            for (Thread reader : readers) {
                reader.join();
            }
            assertThat(wrong).containsOnly(0);
        }
    }

    @Test
    void theDeadlineHoldsWhenTheSourceSaysNothing() {
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        source.hold(true);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, QUIET)) {
            assertThatThrownBy(() -> memory.service.populate(8, 8, SHORT))
                    .isInstanceOfSatisfying(
                            PagingException.class,
                            e -> {
                                assertThat(e.reason()).isEqualTo(PagingException.Reason.OVERDUE);
                                assertThat(e.gpa()).isZero();
                            });
            source.hold(false);
            memory.service.populate(8, 8, LONG);
        }
    }

    @Test
    void theDeadlineHoldsWhenTheSourceIsAway() {
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        source.cut();
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, QUIET)) {
            assertReason(memory, 0, PagingException.Reason.OVERDUE);
            source.restore(true);
            memory.service.populate(0, 8, LONG);
        }
    }

    @Test
    void failsByNameForPagesThatAreLostOrUnknownAndAfterTheEnd() {
        PageSource half = new MemoryPageSource(0, java.lang.foreign.Arena.ofAuto().allocate(MIB));
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, half, QUIET.withUnit(1, 1))) {
            memory.service.populate(0, 100, LONG);
            assertReason(memory, 2 * MIB, PagingException.Reason.LOST);
            assertReason(memory, BYTES, PagingException.Reason.UNKNOWN);
            memory.service.letGo();
            assertReason(memory, 8192, PagingException.Reason.ENDED);
            memory.service.populate(0, 100, LONG);
        }
    }

    private static void assertReason(
            PagedGuestMemory memory, long gpa, PagingException.Reason reason) {
        assertThatThrownBy(() -> memory.service.populate(gpa, 8, SHORT))
                .isInstanceOfSatisfying(
                        PagingException.class, e -> assertThat(e.reason()).isEqualTo(reason));
    }
}
