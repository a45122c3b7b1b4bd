// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static io.jvmm.paging.service.FaultStreams.AHEAD;
import static io.jvmm.paging.service.FaultStreams.FIRST_STREAM;
import static io.jvmm.paging.service.FaultStreams.NONE;
import static io.jvmm.paging.service.FaultStreams.PLACES;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

@Timeout(60)
final class FaultStreamsTest {

    private static final int FAR = 100;
    private static final int STREAMS = PLACES - FIRST_STREAM;

    private final FaultStreams streams = new FaultStreams();

    /** All chunks that there are to look through, which are none any more afterwards. */
    private List<Integer> look(int from, int to) {
        List<Integer> chunks = new ArrayList<>();
        for (int place = from; place < to; place++) {
            int chunk = streams.next(place);
            while (chunk != NONE) {
                chunks.add(chunk);
                streams.looked(place, chunk);
                chunk = streams.next(place);
            }
        }
        return chunks;
    }

    private List<Integer> lookAtCandidates() {
        return look(0, FIRST_STREAM);
    }

    private List<Integer> lookAtStreams() {
        return look(FIRST_STREAM, PLACES);
    }

    private static List<Integer> from(int chunk, int count) {
        return IntStream.range(chunk, chunk + count).boxed().toList();
    }

    @Test
    void withoutFaultsThereIsNothing() {
        assertThat(look(0, PLACES)).isEmpty();
    }

    @Test
    void theFirstFaultIsNoStreamYetButHasWhatFollowsIt() {
        assertThat(streams.faulted(7)).isFalse();
        assertThat(lookAtStreams()).isEmpty();
        assertThat(lookAtCandidates()).isEqualTo(from(7, AHEAD));
        assertThat(lookAtCandidates()).isEmpty();
    }

    @Test
    void faultsInTheSameChunkAreNothingNew() {
        streams.faulted(0);
        streams.faulted(FAR);
        lookAtCandidates();
        assertThat(streams.faulted(0)).isFalse();
        assertThat(streams.faulted(0)).isFalse();
        assertThat(look(0, PLACES)).isEmpty();
    }

    @Test
    void whatGoesOnIsAStreamOfWhichOnlyWhatIsNewIsLookedThrough() {
        streams.faulted(7);
        lookAtCandidates();
        assertThat(streams.faulted(9)).isTrue();
        assertThat(lookAtCandidates()).isEmpty();
        assertThat(lookAtStreams()).isEqualTo(from(7 + AHEAD, 2));
        assertThat(streams.faulted(9 + AHEAD)).as("the first one that was not fetched").isTrue();
        assertThat(lookAtStreams()).isEqualTo(from(9 + AHEAD, AHEAD));
    }

    @Test
    void whatGoesBackOrTooFarIsAnotherPlace() {
        streams.faulted(FAR);
        assertThat(streams.faulted(FAR + AHEAD + 1)).isFalse();
        assertThat(streams.faulted(FAR - 1)).isFalse();
        assertThat(lookAtStreams()).isEmpty();
    }

    @Test
    void severalGoOnSideBySide() {
        for (int chunk = 0; chunk < 3; chunk++) {
            for (int stream = 0; stream < STREAMS; stream++) {
                assertThat(streams.faulted(stream * FAR + chunk)).isEqualTo(chunk > 0);
            }
        }
        assertThat(lookAtStreams())
                .hasSize(STREAMS * AHEAD)
                .containsAll(from((STREAMS - 1) * FAR + 2, AHEAD));
    }

    @Test
    void faultsHereAndThereLeaveStreamsAlone() {
        streams.faulted(0);
        streams.faulted(1);
        for (int other = 1; other <= FAR; other++) {
            assertThat(streams.faulted(other * FAR)).isFalse();
        }
        assertThat(streams.faulted(FAR + 1)).as("a candidate of long ago").isFalse();
        assertThat(streams.faulted(2)).isTrue();
    }

    @Test
    void theOldestStreamMakesRoom() {
        for (int stream = 0; stream <= STREAMS; stream++) {
            streams.faulted(stream * FAR);
            streams.faulted(stream * FAR + 1);
        }
        assertThat(streams.faulted(2)).isFalse();
        assertThat(streams.faulted(FAR + 2)).isTrue();
    }

    @Test
    void whoIsLateLooksThroughNothingTwice() {
        streams.faulted(6);
        streams.faulted(7);
        assertThat(streams.next(FIRST_STREAM)).isEqualTo(7);
        streams.faulted(8);
        streams.looked(FIRST_STREAM, 7);
        assertThat(streams.next(FIRST_STREAM)).isEqualTo(8);
        streams.looked(FIRST_STREAM, 8);
        streams.looked(FIRST_STREAM, 8);
        assertThat(streams.next(FIRST_STREAM)).isEqualTo(9);
    }

    @Test
    void threadsThatMeetLeaveNoPlaceThatIsNone() throws InterruptedException {
        int faults = FAR * FAR;
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            int base = t * faults;
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < faults; i++) {
                                    streams.faulted(base + i);
                                }
                            }));
        }
        while (threads.stream().anyMatch(Thread::isAlive)) {
            for (int place = 0; place < PLACES; place++) {
                int chunk = streams.next(place);
                assertThat(chunk).isBetween(NONE, 4 * faults + AHEAD);
                streams.looked(place, chunk);
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(look(0, PLACES)).hasSizeLessThanOrEqualTo(PLACES * AHEAD);
    }
}
