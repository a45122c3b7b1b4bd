// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The end of a machine that lacks memory. */
@Timeout(60)
class EndThreadTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int MACHINES = 100;

    private final CompletableFuture<MachineExit> ended = new CompletableFuture<>();

    private static List<String> endThreads(String machine) {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.equals(machine + "-end"))
                .toList();
    }

    @Test
    void theThreadIsThereFromTheStart() throws Exception {
        EndThread end = new EndThread("early", ended::complete);
        assertThat(endThreads("early")).hasSize(1);
        end.begin(new MachineExit.PowerOff());
        assertThat(ended.get(30, TimeUnit.SECONDS)).isEqualTo(new MachineExit.PowerOff());
    }

    @Test
    void callingItAllocatesNothing() throws Exception {
        Throwable cause = new OutOfMemoryError("of the test");
        AtomicInteger ends = new AtomicInteger();
        List<EndThread> threads = new CopyOnWriteArrayList<>();
        for (int machine = 0; machine < MACHINES; machine++) {
            threads.add(new EndThread("poor", _ -> ends.incrementAndGet()));
        }
        EndThread[] all = threads.toArray(EndThread[]::new);
        MachineExit exit = new MachineExit.Stopped();
        // What is loaded and linked by the first calls was there before the memory ran out.
        all[0].begin(0, cause);
        all[1].begin(exit);
        long before = THREADS.getCurrentThreadAllocatedBytes();
        long overhead = THREADS.getCurrentThreadAllocatedBytes() - before;
        before = THREADS.getCurrentThreadAllocatedBytes();
        for (int machine = 2; machine < MACHINES; machine++) {
            all[machine].begin(machine, cause);
        }
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before - overhead;
        assertThat(allocated).isZero();
        while (ends.get() < MACHINES) {
            Thread.sleep(1);
        }
    }

    @Test
    void aDeadVcpuIsPutIntoWordsOnTheThread() throws Exception {
        Throwable cause = new OutOfMemoryError("of the test");
        new EndThread("dead", ended::complete).begin(3, cause);
        assertThat(ended.get(30, TimeUnit.SECONDS))
                .isEqualTo(
                        new MachineExit.Failed(
                                "vCPU 3 died of a fault of the monitor: "
                                        + "java.lang.OutOfMemoryError: of the test",
                                "",
                                cause));
    }

    @Test
    void aStepThatLacksMemoryIsDoneWhenThereIsSome() {
        EndThread end = new EndThread("short", ended::complete);
        AtomicInteger attempts = new AtomicInteger();
        end.persist(() -> {
            if (attempts.incrementAndGet() < 4) {
                throw new OutOfMemoryError("of the test");
            }
        });
        assertThat(attempts).hasValue(4);
        end.begin(new MachineExit.Stopped());
    }

    @Test
    void aStepThatFailsForAnotherReasonDoesNotKeepTheOthers() throws Exception {
        EndThread[] end = new EndThread[1];
        end[0] =
                new EndThread(
                        "failing",
                        why -> {
                            end[0].persist(() -> {
                                throw new IllegalStateException("of the test");
                            });
                            end[0].persist(() -> ended.complete(why));
                        });
        end[0].begin(new MachineExit.PowerOff());
        assertThat(ended.get(30, TimeUnit.SECONDS)).isEqualTo(new MachineExit.PowerOff());
    }
}
