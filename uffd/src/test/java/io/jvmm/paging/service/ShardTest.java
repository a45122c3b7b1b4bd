// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

@RequiresUserfaultfd
@Timeout(60)
class ShardTest {

    private static final int PAGES = 8;
    private static final long PAGE = Pattern.PAGE;

    /** Nobody else reads the messages: whoever waits for another page would wait for ever. */
    @Test
    void aMessageThatCannotBeDealtWithComesAgain() throws InterruptedException {
        try (Mapping memory = Mapping.anonymous(PAGES * PAGE);
                Broken handler = new Broken(memory)) {
            Toucher unheard = handler.toucher(0);
            assertThat(handler.cause()).isEqualTo("fault 0");
            assertThat(handler.cause()).isEqualTo("serve 0");
            Toucher unserved = handler.toucher(1);
            assertThat(handler.cause()).isEqualTo("serve 1");
            for (int page = 2; page < PAGES; page++) {
                assertThat(handler.toucher(page).result()).isZero();
            }
            assertThat(handler.causes).isEmpty();
            assertThat(unheard.result()).isZero();
            assertThat(unserved.result()).isZero();
        }
    }

    /** Fails once for page 0 in both calls, for page 1 in the second; then puts zeros in place. */
    private static final class Broken implements Shard.Handler, AutoCloseable {

        final BlockingQueue<String> causes = new LinkedBlockingQueue<>();
        // The reader's.
        private final Set<Integer> heard = new HashSet<>();
        private final Set<Integer> served = new HashSet<>();
        private final Mapping memory;
        private final Shard shard;

        Broken(Mapping memory) {
            this.memory = memory;
            memory.tryAdvise(Advice.NOHUGEPAGE, 0, memory.sizeBytes());
            shard =
                    new Shard(
                            0,
                            new GuestRange(0, memory.address(), memory.sizeBytes()),
                            Registration.of(FaultMode.BLOCKING, false),
                            new WaitTable(new StallRecorder(), _ -> false),
                            this);
            shard.begin();
        }

        Toucher toucher(int page) {
            return Toucher.start(() -> memory.tryAdvise(Advice.POPULATE_READ, page * PAGE, PAGE));
        }

        void zero(int page) {
            // A fault that was told twice finds the page in place.
            long _ = shard.uffd.tryZeropage(memory.address() + page * PAGE, PAGE, 0);
            shard.wake(memory.address() + page * PAGE);
        }

        String cause() throws InterruptedException {
            return String.valueOf(causes.poll(30, TimeUnit.SECONDS));
        }

        private int page(long address) {
            return (int) ((address - memory.address()) / PAGE);
        }

        @Override
        public boolean quick(Shard from, FaultMessages messages, int count, long now) {
            return false;
        }

        @Override
        public void fault(Shard from, long address, int threadId, long now) {
            if (page(address) == 0 && heard.add(0)) {
                throw new OutOfMemoryError("fault 0");
            }
        }

        @Override
        public void serve(Shard from, long address, boolean more) {
            if (page(address) < 2 && served.add(page(address))) {
                throw new IllegalStateException("serve " + page(address));
            }
            zero(page(address));
        }

        @Override
        public void removed(long start, long end, boolean unmapped) {}

        @Override
        public void broken(Throwable cause) {
            causes.add(String.valueOf(cause.getMessage()));
        }

        @Override
        public void died() {
            causes.add("died");
        }

        @Override
        public void close() {
            shard.close();
        }
    }
}
