// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.Objects;
import java.util.Random;

/** What nobody has asked for cannot be touched. */
@RequiresUserfaultfd
@Timeout(120)
class GuardedViewTest {

    private static final long BYTES = 8 << 20;
    private static final Duration LONG = Duration.ofSeconds(60);

    private final PatternSource pattern = new PatternSource(5);

    private static GuardedView view(PagedGuestMemory memory) {
        return new GuardedView(
                memory.service, 0, Objects.requireNonNull(memory.file).fd(), 0, BYTES);
    }

    private static void assertRefused(GuardedView view, long offset) {
        assertThatExceptionOfType(InternalError.class)
                .isThrownBy(() -> view.segment().get(JAVA_LONG, offset));
        assertThatExceptionOfType(InternalError.class)
                .isThrownBy(() -> view.segment().set(JAVA_LONG, offset, 1));
    }

    @Test
    void aTouchThatWasNotAskedForFailsWhetherThePageIsThereOrNot() {
        PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, true, pattern, config);
                GuardedView view = view(memory)) {
            assertThat(memory.read(7)).isZero();
            assertRefused(view, 7 * Pattern.PAGE);
            assertRefused(view, 8 * Pattern.PAGE);
            assertRefused(view, 5 * Pattern.PAGE);
            view.populate(4 * Pattern.PAGE + 100, 4 * Pattern.PAGE, LONG);
            for (long page = 4; page <= 8; page++) {
                long gpa = page * Pattern.PAGE;
                long value = pattern.isZero(gpa) ? 0 : Pattern.of(gpa);
                assertThat(Pattern.isFullOf(view.segment(), gpa, value)).isTrue();
            }
            assertRefused(view, 3 * Pattern.PAGE);
            assertRefused(view, 9 * Pattern.PAGE);
            assertThat(memory.service.statistics().missingPages()).isEqualTo(memory.pages() - 5);
        }
    }

    @Test
    void whatIsWrittenThroughItIsWhatTheGuestReads() {
        try (PagedGuestMemory memory =
                        PagedGuestMemory.of(BYTES, true, pattern, PagingConfig.defaults());
                GuardedView view = view(memory)) {
            Random random = new Random(3);
            for (int i = 0; i < 500; i++) {
                long at = random.nextLong(BYTES / Long.BYTES) * Long.BYTES;
                view.populate(at, Long.BYTES, LONG);
                view.segment().set(JAVA_LONG, at, i);
                memory.service.populate(at, Long.BYTES, LONG);
                assertThat(memory.segment().get(JAVA_LONG, at)).isEqualTo(i);
            }
        }
    }

    @Test
    void whatWasDroppedMustBeAskedForAgain() {
        try (PagedGuestMemory memory =
                        PagedGuestMemory.of(BYTES, true, pattern, PagingConfig.defaults());
                GuardedView view = view(memory)) {
            memory.awaitComplete();
            view.populate(0, BYTES, LONG);
            memory.service.dropped(Pattern.PAGE, Pattern.PAGE);
            Objects.requireNonNull(memory.file).punchHole(Pattern.PAGE, Pattern.PAGE);
            memory.service.dropped(Pattern.PAGE, Pattern.PAGE);
            assertRefused(view, Pattern.PAGE);
            view.populate(Pattern.PAGE, 1, LONG);
            assertThat(Pattern.isFullOf(view.segment(), Pattern.PAGE, 0)).isTrue();
        }
    }
}
