// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.Set;

/**
 * A reader thread that serves faults leaves no garbage, however many they are.
 *
 * <p>On the host alone: only C2 compiles native calls so that they leave none, and the lab's
 * virtual machine stops at C1.
 */
@RequiresUserfaultfd
@Tag("host")
class AllocationTest {

    private static final int PAGES = 2048;
    private static final long PAGE = 4096;
    private static final long BYTES = PAGES * PAGE;
    private static final int ROUNDS = 60;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    @Timeout(120)
    void servingAFaultAllocatesNothing() {
        try (Mapping memory = Mapping.anonymous(BYTES);
                Mapping source = Mapping.anonymous(PAGE);
                Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.THREAD_ID))) {
            uffd.register(memory.address(), BYTES, Set.of(Tracking.MISSING));
            // Native calls leave garbage until C2 has compiled them: rounds go by until one is
            // free.
            Waiter reader = Waiter.start(() -> roundsUntilFree(uffd, memory.address(), source));
            while (reader.isWaiting()) {
                memory.advise(Advice.DONTNEED);
                memory.advise(Advice.POPULATE_WRITE);
            }
            assertThat(reader.result()).isLessThan(ROUNDS);
        }
    }

    /** The number of rounds it took; after {@link #ROUNDS} it gives up. */
    private long roundsUntilFree(Userfaultfd uffd, long start, Mapping source) {
        FaultMessages messages = new FaultMessages(16);
        long allocated;
        int round = 0;
        do {
            long before = threads.getCurrentThreadAllocatedBytes();
            serve(uffd, messages, source);
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
            round++;
        } while (allocated > 0 && round < ROUNDS);
        // Let the toucher go: it must never wait for a page that nobody brings.
        uffd.unregister(start, BYTES);
        return round;
    }

    private static void serve(Userfaultfd uffd, FaultMessages messages, Mapping source) {
        for (int served = 0; served < PAGES; ) {
            int count = uffd.tryRead(messages);
            for (int i = 0; i < count; i++) {
                long page = messages.at(i).address();
                if (uffd.tryCopy(page, source.segment(), 0, PAGE, 0) == PAGE) {
                    served++;
                }
            }
        }
    }
}
