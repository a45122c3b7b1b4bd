// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What a flight recording shows of paging. */
@RequiresUserfaultfd
@Timeout(120)
class PagingEventsTest {

    @Test
    void aRecordingHasFaultsByCauseAndStallsByThread(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("paging.jfr");
        PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
        int threadId;
        try (Recording recording = new Recording()) {
            recording.enable("jvmm.PagingStatistics").with("period", "endChunk");
            recording.enable("jvmm.PageStalls");
            recording.start();
            try (PagedGuestMemory memory =
                    PagedGuestMemory.of(2 << 20, false, new PatternSource(), config)) {
                Toucher toucher =
                        Toucher.start(() -> memory.read(1) | memory.read(5) | memory.read(9));
                assertThat(toucher.result()).isZero();
                threadId = toucher.threadId();
                while (memory.service.statistics().stalls().count() < 3) {
                    Thread.onSpinWait();
                }
                // Its end is the moment of these events.
                recording.stop();
            }
            recording.dump(file);
        }
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        RecordedEvent all = last(events, "jvmm.PagingStatistics");
        assertThat(all.getLong("emptyFaults")).isEqualTo(3);
        assertThat(all.getLong("faultPages")).isEqualTo(3);
        assertThat(all.getLong("copiedBytes")).isEqualTo(3 * Pattern.PAGE);
        assertThat(all.getLong("stalls")).isEqualTo(3);
        RecordedEvent thread = last(events, "jvmm.PageStalls");
        assertThat(thread.getInt("threadId")).isEqualTo(threadId);
        assertThat(thread.getLong("stalls")).isEqualTo(3);
        assertThat(thread.getDuration("longest")).isPositive();
    }

    private static RecordedEvent last(List<RecordedEvent> events, String name) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals(name))
                .reduce((_, later) -> later)
                .orElseThrow();
    }
}
