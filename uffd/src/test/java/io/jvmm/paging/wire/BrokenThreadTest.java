// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Any thread of a session can meet an error: memory or threads have run out, or a mapped file got
 * shorter. The session ends then, for both sides to see, and another one brings the pages; a thread
 * that were missed by nobody would leave whoever waits for a page waiting for ever.
 */
@Timeout(60)
class BrokenThreadTest {

    private static final int PAGES = 600;

    @TempDir Path folder;

    private final PageLayout layout = TestImage.layout(PAGES);
    private final TestImage image = new TestImage(layout);
    private final Token token = Token.random();
    private final Recorder<ServerEvent> server = new Recorder<>();
    private final Recorder<PeerState> states = new Recorder<>();
    private final AtomicBoolean isBroken = new AtomicBoolean(true);
    private PeerAddress address;

    @BeforeEach
    void choose() {
        address = PeerAddress.unix(folder.resolve("pages"));
    }

    @AfterEach
    void close() {
        image.close();
    }

    private void breakOnce() {
        if (isBroken.getAndSet(false)) {
            throw new InternalError("as for a mapped file that got shorter");
        }
    }

    /**
     * Fetches all pages, or has them pushed, while one thread breaks.
     *
     * @return what is told of it
     */
    private PeerState.Away bringsAll(PageImage served, PeerConfig config, boolean pushed)
            throws IOException, InterruptedException {
        PeerState.Away away;
        try (PageServer serving = serve(served);
                PeerPageSource source =
                        new PeerPageSource(serving.address(), token, layout, config, states);
                TestClient client = new TestClient(source, layout, 20, 1, pushed)) {
            source.start(pushed ? new BreakingSink(client) : client);
            if (!pushed) {
                client.go();
            }
            away = states.await(PeerState.Away.class);
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
        }
        return away;
    }

    private PageServer serve(PageImage served) throws IOException {
        return PageServer.open(address, served, token, ServerLimits.DEFAULT, server);
    }

    @Test
    void theOneThatReadsTheImage() throws IOException, InterruptedException {
        PeerState.Away away = bringsAll(new BreakingImage(), PeerConfig.DEFAULT, false);
        assertThat(away.reason()).isEqualTo(Refusal.SOURCE);
        assertThat(away.message()).contains("got shorter");
    }

    @Test
    void theOneThatReceivesPages() throws IOException, InterruptedException {
        PeerConfig config = PeerConfig.DEFAULT.withPushWindow(2 << 20);
        PeerState.Away away = bringsAll(image, config, true);
        assertThat(away.reason()).isEqualTo(Refusal.LOST);
        assertThat(away.message()).contains("got shorter");
    }

    @Test
    void theOneThatConnectsIsNotBrokenByItsListener() throws IOException, InterruptedException {
        Consumer<PeerState> told =
                state -> {
                    states.accept(state);
                    if (state instanceof PeerState.Connected) {
                        breakOnce();
                    }
                };
        try (PageServer serving = serve(image);
                PeerPageSource source =
                        new PeerPageSource(
                                serving.address(), token, layout, PeerConfig.DEFAULT, told);
                TestClient client = new TestClient(source, layout, 20, 1, false)) {
            source.start(client);
            states.await(PeerState.Connected.class);
            client.go();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            assertThat(states.all(PeerState.Away.class)).isEmpty();
        }
    }

    private final class BreakingImage implements PageImage {

        @Override
        public PageLayout layout() {
            return layout;
        }

        @Override
        public void read(long gpa, MemorySegment to) throws IOException {
            breakOnce();
            image.read(gpa, to);
        }

        @Override
        public void close() {}
    }

    private final class BreakingSink implements PageSink {

        private final PageSink sink;

        BreakingSink(PageSink sink) {
            this.sink = sink;
        }

        @Override
        public @Nullable PageRequest offer(long gpa, int pages) {
            breakOnce();
            return sink.offer(gpa, pages);
        }

        @Override
        public void available() {
            sink.available();
        }
    }
}
