// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Several threads drive one machine at random, each without regard for the others. Whatever comes
 * of it, every call returns, the states follow one another as they may, and nothing is left.
 */
@RequiresKvm
@Timeout(300)
class MachineWalkTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int THREADS = 4;
    private static final int STEPS = 40;
    private static final int MACHINES = 6;

    private static final Map<MachineState, Set<MachineState>> NEXT =
            Map.of(
                    MachineState.CREATED, Set.of(MachineState.RUNNING, MachineState.ENDED),
                    MachineState.RUNNING, Set.of(MachineState.PAUSED, MachineState.ENDED),
                    MachineState.PAUSED, Set.of(MachineState.RUNNING, MachineState.ENDED),
                    MachineState.ENDED, Set.of(MachineState.CLOSED),
                    MachineState.CLOSED, Set.of());

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void noCallHangsAndNoStateIsSkipped(long seed) throws Exception {
        Payload[] guests = {
            Payload.RING3_SPIN, Payload.WITNESS, Payload.RING0_HLT, Payload.END_RESET_PORT
        };
        for (int number = 0; number < MACHINES; number++) {
            walk(guests[number % guests.length], seed * MACHINES + number);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("walk-"));
    }

    private static void walk(Payload guest, long seed) throws Exception {
        MachineConfig config =
                TestGuests.machine(guest)
                        .name("walk-" + seed)
                        .cpus(2)
                        .resetPolicy(ResetPolicy.REBOOT)
                        .kickStrategy(
                                seed % 2 == 0
                                        ? KickStrategy.SIGNAL_MASK
                                        : KickStrategy.IMMEDIATE_EXIT)
                        .build();
        List<MachineState> heard = new CopyOnWriteArrayList<>();
        Machine machine = Machine.create(config);
        machine.addListener(
                new MachineListener() {
                    @Override
                    public void stateChanged(MachineState state) {
                        heard.add(state);
                    }
                });
        List<CompletableFuture<Void>> walkers = new ArrayList<>();
        for (int walker = 0; walker < THREADS; walker++) {
            RandomGenerator random =
                    RandomGeneratorFactory.of("L64X128MixRandom").create(seed * THREADS + walker);
            CompletableFuture<Void> done = new CompletableFuture<>();
            walkers.add(done);
            Thread.ofPlatform()
                    .start(() -> {
                        try {
                            for (int step = 0; step < STEPS; step++) {
                                step(machine, random);
                            }
                            done.complete(null);
                        } catch (Throwable e) {
                            done.completeExceptionally(e);
                        }
                    });
        }
        for (CompletableFuture<Void> walker : walkers) {
            walker.get(120, TimeUnit.SECONDS);
        }
        machine.close();
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        assertThat(machine.exit()).isDone();
        MachineState before = MachineState.CREATED;
        for (MachineState state : heard) {
            assertThat(NEXT.get(before)).as("after %s in %s", before, heard).contains(state);
            before = state;
        }
        assertThat(before).isEqualTo(MachineState.CLOSED);
    }

    private static void step(Machine machine, RandomGenerator random) throws Exception {
        try {
            switch (random.nextInt(40)) {
                case 0 -> machine.stop();
                case 1, 2 -> machine.reset();
                case 3, 4 -> machine.sendBreak();
                case 5, 6 -> {
                    boolean _ = machine.powerButton();
                }
                case 7, 8, 9 -> {
                    SavedMachine _ = machine.save(LONG);
                }
                case 10, 11, 12 -> machine.start();
                case 13 -> assertThat(machine.exitStatistics()).hasSize(2);
                case 14 -> assertThat(machine.memory().readU8(0)).isNotNegative();
                case 15 -> assertThat(machine.await(Duration.ofMillis(1))).isNotNull();
                default -> {
                    if (random.nextBoolean()) {
                        Standstill _ = machine.pause(LONG);
                    } else {
                        machine.resume();
                    }
                }
            }
        } catch (IllegalStateException e) {
            assertThat(e).hasMessageContaining(" and cannot ");
        }
    }
}
