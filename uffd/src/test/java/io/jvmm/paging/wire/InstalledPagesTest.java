// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.service.FaultService;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Pages come from a server into guest memory while installing them fails again and again. */
@RequiresUserfaultfd
@Timeout(120)
class InstalledPagesTest {

    private static final int PAGES = 64;
    private static final int PAGE = PageLayout.PAGE_BYTES;
    private static final long GPA = 0x10_0000;
    private static final int DROPPED = 17;
    private static final PagingConfig ONE_BY_ONE =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);
    private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[PAGE]);

    @TempDir Path folder;

    private final PageLayout layout =
            new PageLayout(List.of(new PageLayout.Range(GPA, (long) PAGES * PAGE)));
    private final Token token = Token.random();
    private final Recorder<ServerEvent> events = new Recorder<>();
    private final Recorder<PeerState> states = new Recorder<>();

    /** While one page is being dropped, the kernel refuses to install any other. */
    @RepeatedTest(10)
    void theServerStaysUntilEveryPageIsInstalled() throws IOException, InterruptedException {
        PeerAddress address = PeerAddress.unix(folder.resolve("pages"));
        try (TestImage image = new TestImage(layout);
                PageServer serving =
                        PageServer.open(address, image, token, ServerLimits.DEFAULT, events);
                Mapping memory = Mapping.anonymous((long) PAGES * PAGE)) {
            PeerPageSource source =
                    new PeerPageSource(
                            serving.address(), token, layout, PeerConfig.DEFAULT, states);
            try (FaultService service = new FaultService(source, ONE_BY_ONE, event -> {})) {
                service.attach(List.of(new GuestRange(GPA, memory.address(), memory.sizeBytes())));
                assertThat(touch(memory, DROPPED)).isZero();
                touchOthersWhileOneIsDropped(memory);
                assertThat(states.all(PeerState.Complete.class)).isEmpty();
                assertThat(touch(memory, DROPPED)).isZero();
                assertThat(states.await(PeerState.Complete.class).pages()).isEqualTo(PAGES);
                events.await(ServerEvent.Completed.class);
                assertContent(memory);
            }
        }
    }

    private static void touchOthersWhileOneIsDropped(Mapping memory) throws InterruptedException {
        AtomicBoolean isOver = new AtomicBoolean();
        Thread dropper =
                Thread.ofPlatform()
                        .start(() -> {
                            do {
                                memory.tryAdvise(Advice.DONTNEED, (long) DROPPED * PAGE, PAGE);
                            } while (!isOver.get());
                        });
        try {
            for (int page = 0; page < PAGES; page++) {
                if (page != DROPPED) {
                    assertThat(touch(memory, page)).as("page %d", page).isZero();
                }
            }
        } finally {
            isOver.set(true);
            dropper.join();
        }
    }

    /** By a system call, which does not hold up the collector; 0 if the page is there then. */
    private static long touch(Mapping memory, int page) {
        return memory.tryAdvise(Advice.POPULATE_READ, (long) page * PAGE, PAGE);
    }

    private static void assertContent(Mapping memory) {
        for (int page = 0; page < PAGES; page++) {
            long at = (long) page * PAGE;
            boolean isRight =
                    page == DROPPED
                            ? memory.segment().asSlice(at, PAGE).mismatch(ZEROS) == -1
                            : TestImage.isRight(GPA + at, memory.segment().asSlice(at, PAGE));
            assertThat(isRight).as("page %d", page).isTrue();
        }
    }
}
