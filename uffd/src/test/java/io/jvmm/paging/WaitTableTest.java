package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Who waits, told by messages that come late and twice. */
class WaitTableTest {

    private static final int THREAD = 77;
    private static final int OTHER = 78;
    private static final int PAGE = 5;
    private static final long DEADLINE = 1000;

    private final AtomicBits present = new AtomicBits(64);
    private final StallRecorder stalls = new StallRecorder();
    private final WaitTable waits = new WaitTable(stalls, present::get);

    private void arrive(int page, long now) {
        present.set(page, 1);
        waits.arrived(page, 1, now);
    }

    @Test
    void aThreadWaitsUntilItsPageArrives() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        waits.waits(OTHER, PAGE + 1, 10, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isTrue();
        arrive(PAGE, 30);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.isStuck(OTHER)).isTrue();
        assertThat(stalls.histograms()).hasSize(1);
        assertThat(stalls.histograms().getFirst().totalNanos()).isEqualTo(20);
    }

    /** A vCPU that runs would otherwise be taken for one that waits. */
    @Test
    void aMessageThatIsReadAfterThePageHasComeIsOfNobodyWhoWaits() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        arrive(PAGE, 20);
        waits.waits(THREAD, PAGE, 30, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.size()).isZero();
    }

    @Test
    void aLateMessageDoesNotHideWhatTheThreadWaitsForNow() {
        arrive(PAGE, 10);
        waits.waits(THREAD, PAGE + 1, 20, DEADLINE);
        waits.waits(THREAD, PAGE, 30, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isTrue();
        arrive(PAGE + 1, 40);
        assertThat(waits.isStuck(THREAD)).isFalse();
    }

    @Test
    void aThreadThatCanBeCalledAwayIsNotStuckButOverdueAllTheSame() {
        waits.waits(THREAD, PAGE, 10, DEADLINE, false);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.size()).isEqualTo(1);
        List<Integer> late = new ArrayList<>();
        waits.tellOverdue(10 + DEADLINE, DEADLINE, (thread, _, _) -> late.add(thread));
        assertThat(late).containsExactly(THREAD);
        waits.waits(THREAD, PAGE + 1, 20, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isTrue();
    }

    @Test
    void aThreadThatLeavesWithoutItsPageWaitsNoLongerAndIsNotOverdue() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        waits.waits(OTHER, PAGE, 10, DEADLINE);
        waits.leaves(THREAD);
        waits.leaves(THREAD);
        assertThat(waits.isStuck(THREAD)).isFalse();
        List<Integer> late = new ArrayList<>();
        waits.tellOverdue(10 + DEADLINE, DEADLINE, (thread, _, _) -> late.add(thread));
        assertThat(late).containsExactly(OTHER);
    }
}
