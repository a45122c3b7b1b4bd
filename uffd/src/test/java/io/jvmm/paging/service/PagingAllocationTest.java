// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.sun.management.ThreadMXBean;

import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.SelfService;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** The threads of a service leave no garbage of their own, however many faults there are. */
@RequiresUserfaultfd
@Timeout(180)
class PagingAllocationTest {

    private static final long BYTES = 128L << 20;
    private static final int SLICE = 512;

    /**
     * A slice of the segment that captures errno, which the JDK makes for each native call. The
     * optimising compiler removes it where it can see the whole call; below a fault the calls are
     * nested too deep for it (MaxInlineLevel). A fault takes two calls: read, and copy or map.
     */
    private static final long JDK_BYTES_PER_FAULT = 80;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Writes hardly anything. */
    private static class EmptySource implements PageSource {
        @Override
        public boolean isSynchronous() {
            return true;
        }

        @Override
        public void fetch(PageRequest request, int first, int count) {
            for (int page = first; page < first + count; page++) {
                request.memory()
                        .set(JAVA_LONG, request.offset() + page * Pattern.PAGE, request.gpa());
            }
            request.filled(first, count);
        }

        @Override
        public void close() {}
    }

    /** All its pages lie in one. */
    private static final class ResidentSource extends EmptySource {
        private final MemorySegment page = Arena.ofAuto().allocate(Pattern.PAGE, Pattern.PAGE);

        @Override
        public MemorySegment resident(long gpa, int pages) {
            return page;
        }
    }

    /** Native calls leave garbage until C2 has compiled them: slices go by until one is free. */
    @ParameterizedTest
    @CsvSource({
        "false, false, false",
        "true, false, false",
        "false, true, false",
        "false, false, true",
        "true, false, true"
    })
    void servingAFaultAllocatesNothingOfItsOwn(boolean shared, boolean sweep, boolean resident) {
        PageSource source = resident ? new ResidentSource() : new EmptySource();
        PagingConfig config = PagingConfig.defaults().withUnit(1, 1).withSweep(sweep);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, shared, source, config)) {
            long least = Long.MAX_VALUE;
            for (int slice = 0;
                    slice < memory.pages() / SLICE && least > SLICE * JDK_BYTES_PER_FAULT;
                    slice++) {
                long before = allocated();
                for (int page = slice * SLICE; page < (slice + 1) * SLICE; page++) {
                    assertThat(memory.read(page)).isZero();
                }
                least = Math.min(least, allocated() - before);
            }
            assertThat(least).isLessThanOrEqualTo(SLICE * JDK_BYTES_PER_FAULT);
        }
    }

    @Test
    void bringingAPageThroughTheGateAllocatesNothingOfItsOwn() {
        PagingConfig config = PagingConfig.defaults().withUnit(1, 1).withSweep(false);
        Duration deadline = Duration.ofSeconds(60);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, new EmptySource(), config)) {
            long least = Long.MAX_VALUE;
            for (int slice = 0;
                    slice < memory.pages() / SLICE && least > SLICE * JDK_BYTES_PER_FAULT;
                    slice++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int page = slice * SLICE; page < (slice + 1) * SLICE; page++) {
                    memory.service.populate(page * Pattern.PAGE, 8, deadline);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThanOrEqualTo(SLICE * JDK_BYTES_PER_FAULT);
        }
    }

    @Test
    void aThreadThatBringsItsOwnPageAllocatesNothingOfItsOwn() {
        PagingConfig config = PagingConfig.defaults().withUnit(1, 1).withSweep(false);
        BooleanSupplier never = () -> false;
        try (PagedGuestMemory memory =
                PagedGuestMemory.in(FaultMode.ANNOTATED, BYTES, false, new EmptySource(), config)) {
            memory.attach();
            long least = Long.MAX_VALUE;
            for (int slice = 0;
                    slice < memory.pages() / SLICE && least > SLICE * JDK_BYTES_PER_FAULT;
                    slice++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int page = slice * SLICE; page < (slice + 1) * SLICE; page++) {
                    SelfService.Answer answer =
                            memory.service.bring(memory.gpa + page * Pattern.PAGE, 77, never);
                    if (answer != SelfService.Answer.BROUGHT) {
                        throw new AssertionError(answer);
                    }
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThanOrEqualTo(SLICE * JDK_BYTES_PER_FAULT);
        }
    }

    /** Of all threads of services, of which there is one. */
    private long allocated() {
        long sum = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("paging-reader")
                    || thread.getName().startsWith("paging-worker")) {
                sum += threads.getThreadAllocatedBytes(thread.threadId());
            }
        }
        return sum;
    }
}
