// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.linux.Scheduling.Policy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

class SchedulingTest {

    /** None of these needs a right: each only lowers what the thread has. */
    @ParameterizedTest
    @CsvSource({"NORMAL, 5", "BATCH, 19", "IDLE, 0"})
    void aThreadHasWhatItIsGiven(Policy policy, int level) {
        Scheduling given = new Scheduling(policy, level);
        Scheduling seen =
                inThreadOfItsOwn(() -> {
                    given.apply();
                    return Scheduling.current();
                });
        assertThat(seen).isEqualTo(given);
    }

    @ParameterizedTest
    @CsvSource({"FIFO, 1", "ROUND_ROBIN, 99", "NORMAL, -20"})
    void whatNeedsARightIsGivenOrRefusedWithTheRemedy(Policy policy, int level) {
        Scheduling given = new Scheduling(policy, level);
        inThreadOfItsOwn(() -> {
            try {
                given.apply();
                assertThat(Scheduling.current()).isEqualTo(given);
            } catch (KernelException e) {
                assertThat(e)
                        .hasMessageStartingWith("sched_setattr: EPERM (1): ")
                        .hasMessageContaining("CAP_SYS_NICE");
            }
            return given;
        });
    }

    @Test
    void otherThreadsKeepTheirs() {
        Scheduling before = Scheduling.current();
        inThreadOfItsOwn(() -> {
            new Scheduling(Policy.IDLE, 0).apply();
            return before;
        });
        assertThat(Scheduling.current()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "NORMAL, -21",
        "NORMAL, 20",
        "BATCH, 20",
        "FIFO, 0",
        "FIFO, 100",
        "ROUND_ROBIN, -1",
        "IDLE, 1"
    })
    void refusesLevelsThatThePolicyDoesNotHave(Policy policy, int level) {
        assertThatThrownBy(() -> new Scheduling(policy, level))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("out of range");
    }

    private static Scheduling inThreadOfItsOwn(Supplier<Scheduling> task) {
        return CompletableFuture.supplyAsync(task, run -> Thread.ofPlatform().start(run)).join();
    }
}
