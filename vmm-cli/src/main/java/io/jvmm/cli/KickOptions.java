// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.ffi.linux.Signals;
import io.jvmm.machine.CpuScheduling;
import io.jvmm.machine.KickStrategy;
import io.jvmm.machine.MachineConfig;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Option;

import java.util.List;
import java.util.Set;

/** How the threads of vCPUs run, and how they are called out of the guest. */
final class KickOptions {

    @Option(
            names = "--kick-strategy",
            paramLabel = "HOW",
            converter = StrategyConverter.class,
            defaultValue = "auto",
            description = "auto, immediate-exit or signal-mask (default ${DEFAULT-VALUE})")
    KickStrategy strategy = KickStrategy.AUTO;

    @Option(
            names = "--kick-signal",
            paramLabel = "SIGNAL",
            converter = SignalConverter.class,
            defaultValue = "USR1",
            description = "USR1, USR2, RTMIN+N or a number (default ${DEFAULT-VALUE})")
    int signal = Signals.SIGUSR1;

    @Option(
            names = "--cpu-affinity",
            paramLabel = "CPUS",
            converter = CpuSetsConverter.class,
            description = "host CPUs for vCPUs, as 0-3,8; or for each one, as 0:1:2-3")
    CpuSets affinity = new CpuSets(List.of());

    @Option(
            names = "--cpu-scheduling",
            paramLabel = "POLICY",
            converter = SchedulingConverter.class,
            description =
                    "of vCPU threads: normal[:NICE], batch[:NICE], idle, fifo:PRIO or rr:PRIO")
    @Nullable CpuScheduling scheduling;

    void applyTo(MachineConfig.Builder builder) {
        builder.kickStrategy(strategy).kickSignal(signal).cpuAffinity(affinity.sets());
        if (scheduling != null) {
            builder.cpuScheduling(scheduling);
        }
    }

    /** Sets of host CPUs, of a type that picocli does not take for several values. */
    record CpuSets(List<Set<Integer>> sets) {}
}
