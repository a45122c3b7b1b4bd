// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.Pager;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** Operations that fail in their middle leave a machine that runs or has ended, and no leak. */
@RequiresKvm
@Timeout(120)
class MachineHalfDoneTest {

    private static final Duration LONG = Duration.ofSeconds(60);

    private static final class FailingPager implements Pager {

        @Override
        public void attach(List<GuestRange> ranges) {}

        @Override
        public boolean isWaiting(int threadId) {
            return false;
        }

        @Override
        public void letGo() {}

        @Override
        public void close() {
            throw new IllegalStateException("of the test");
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    @Test
    void aPauseWhoseClocksCannotBeStoppedLeavesARunningGuest() throws Exception {
        try (Machine machine =
                Machine.create(TestGuests.machine("echo", TestGuests.ECHO).build())) {
            machine.start();
            machine.clockStop((_, _, _) -> {
                throw new IllegalStateException("of the test");
            });
            assertThatThrownBy(() -> machine.pause(LONG))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("of the test");
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            machine.consoleInput().write('a');
            assertThat(machine.consoleOutput().read()).isEqualTo('a');

            machine.clockStop(HeldClocks::stop);
            machine.pause(LONG);
            machine.resume();
            machine.consoleInput().write('q');
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
        }
    }

    @Test
    void whatFailsWhenAMachineIsClosedKeepsNothingElse() throws Exception {
        // What the first machine loads and opens for good does not count.
        Machine.create(TestGuests.machine(Payload.RING3_SPIN).build()).close();
        long before = descriptors();
        for (int round = 0; round < 3; round++) {
            Machine machine =
                    Machine.create(
                            TestGuests.machine(Payload.RING3_SPIN)
                                    .cpus(2)
                                    .pager(new FailingPager())
                                    .build());
            machine.start();
            assertThatThrownBy(machine::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("of the test");
            assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        }
        assertThat(descriptors()).isEqualTo(before);
    }
}
