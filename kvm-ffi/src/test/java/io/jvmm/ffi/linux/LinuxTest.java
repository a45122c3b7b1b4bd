// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

class LinuxTest {

    private static final int CALLS = 20_000;

    @Test
    void passesResultsThrough() {
        assertThat(Linux.call(Nr.GETPID)).isEqualTo(ProcessHandle.current().pid());
    }

    @Test
    void turnsErrorsIntoNegativeNumbers() {
        assertThat(Errno.of(Linux.call(Nr.CLOSE, -1, 0, 0))).isEqualTo(Errno.EBADF);
        assertThat(Errno.of(Linux.call(Nr.MUNMAP, 1, 4096, 0))).isEqualTo(Errno.EINVAL);
    }

    @Test
    void givesEachThreadItsOwnErrors() throws Exception {
        CyclicBarrier together = new CyclicBarrier(2);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Boolean> one = threads.submit(() -> always(together, Errno.EBADF, Nr.CLOSE, -1));
            Future<Boolean> other =
                    threads.submit(() -> always(together, Errno.EINVAL, Nr.MUNMAP, 1));
            assertThat(one.get()).isTrue();
            assertThat(other.get()).isTrue();
        }
    }

    private static boolean always(CyclicBarrier together, Errno errno, long number, long argument)
            throws Exception {
        together.await();
        boolean all = true;
        for (int i = 0; i < CALLS; i++) {
            all &= errno.is(Linux.call(number, argument, 4096, 0));
        }
        return all;
    }

    @Test
    void keepsASegmentOpenWhileTheKernelUsesIt() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofShared()) {
            MemorySegment buffer = arena.allocate(1);
            try (Kick kick = Kick.install()) {
                BlockedReader reader = BlockedReader.start(pair.first(), buffer);
                assertThatThrownBy(arena::close).isInstanceOf(IllegalStateException.class);
                assertThat(Errno.EINTR.is(reader.kickOut(kick))).isTrue();
            }
        }
    }

    @Test
    void doesNotHideMisuse() {
        MemorySegment closed;
        try (Arena arena = Arena.ofConfined()) {
            closed = arena.allocate(8);
        }
        assertThatThrownBy(() -> Linux.OnBuffer.call(Nr.READ, 0, closed, 0))
                .isInstanceOf(IllegalStateException.class);
        MemorySegment heap = MemorySegment.ofArray(new byte[8]);
        assertThatThrownBy(() -> Linux.OnBuffer.call(Nr.READ, 0, heap, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void linksOnlyWhatLibcHas() {
        assertThatThrownBy(() ->
                        Linux.link("no_such_function", FunctionDescriptor.of(ValueLayout.JAVA_INT)))
                .hasMessageContaining("no_such_function");
    }
}
