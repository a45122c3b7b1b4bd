// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

@Timeout(60)
class FrameChannelTest {

    /** Or the peer would find its connection lost, without a reason. */
    @Test
    void theReceivingThreadDoesNotCloseWhileAnotherTellsThePeerWhy() throws InterruptedException {
        WireException why = new WireException(Refusal.COUNT, "seven is not eight");
        try (Watchdog watchdog = new Watchdog("test-watchdog")) {
            SlowLink link = new SlowLink();
            FrameChannel channel = new FrameChannel(link, Duration.ofMinutes(1), watchdog);
            Thread telling = Thread.ofPlatform().start(() -> channel.abort(why));
            link.isTelling.await();
            Thread receiving = Thread.ofPlatform().start(() -> channel.refuse(why));
            while (receiving.isAlive() && receiving.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            link.goOn.countDown();
            telling.join();
            receiving.join();
            assertThat(link.calls).containsSubsequence("told", "read", "close");
        }
    }

    /** Takes its time to tell the peer. */
    private static final class SlowLink implements Link {

        final CountDownLatch isTelling = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        final List<String> calls = new CopyOnWriteArrayList<>();

        @Override
        public int read(ByteBuffer first, ByteBuffer second) {
            calls.add("read");
            return -1;
        }

        @Override
        public void write(ByteBuffer first, ByteBuffer second) {}

        @Override
        public void shutdownOutput() throws IOException {
            isTelling.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            calls.add("told");
        }

        @Override
        public String peer() {
            return "nobody";
        }

        @Override
        public void close() {
            calls.add("close");
        }
    }
}
