package io.jvmm.cli;

import io.jvmm.ffi.linux.Signals;
import io.jvmm.machine.CpuScheduling;
import io.jvmm.machine.KickStrategy;
import io.jvmm.machine.MachineConfig;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** How the threads of vCPUs run, and how they are called out of the guest. */
final class KickOptions {

    @Option(
            names = "--kick-strategy",
            paramLabel = "HOW",
            converter = StrategyConverter.class,
            defaultValue = "auto",
            description = "auto, immediate-exit or signal-mask (default ${DEFAULT-VALUE})")
    private KickStrategy strategy = KickStrategy.AUTO;

    @Option(
            names = "--kick-signal",
            paramLabel = "SIGNAL",
            converter = SignalConverter.class,
            defaultValue = "USR1",
            description = "USR1, USR2, RTMIN+N or a number (default ${DEFAULT-VALUE})")
    private int signal = Signals.SIGUSR1;

    @Option(
            names = "--cpu-affinity",
            paramLabel = "CPUS",
            converter = CpuSetsConverter.class,
            description = "host CPUs for vCPUs, as 0-3,8; or for each one, as 0:1:2-3")
    private CpuSets affinity = new CpuSets(List.of());

    @Option(
            names = "--cpu-scheduling",
            paramLabel = "POLICY",
            converter = SchedulingConverter.class,
            description =
                    "of vCPU threads: normal[:NICE], batch[:NICE], idle, fifo:PRIO or rr:PRIO")
    private @Nullable CpuScheduling scheduling;

    void applyTo(MachineConfig.Builder builder) {
        builder.kickStrategy(strategy).kickSignal(signal).cpuAffinity(affinity.sets());
        if (scheduling != null) {
            builder.cpuScheduling(scheduling);
        }
    }

    /** Sets of host CPUs, of a type that picocli does not take for several values. */
    record CpuSets(List<Set<Integer>> sets) {}

    /** The strategies by the names that users type. */
    static final class StrategyConverter implements ITypeConverter<KickStrategy> {
        @Override
        public KickStrategy convert(String text) {
            for (KickStrategy strategy : KickStrategy.values()) {
                if (strategy.label().equals(text)) {
                    return strategy;
                }
            }
            String known =
                    Arrays.stream(KickStrategy.values())
                            .map(KickStrategy::label)
                            .collect(Collectors.joining(", "));
            throw new TypeConversionException("'%s' is none of %s".formatted(text, known));
        }
    }

    /** Signals by name or number. */
    static final class SignalConverter implements ITypeConverter<Integer> {

        private static final int SIGUSR2 = 12;

        /** The first one that libc leaves to programs. */
        private static final int SIGRTMIN = 34;

        private static final Pattern REAL_TIME = Pattern.compile("RTMIN(?:\\+([0-9]{1,2}))?");
        private static final Pattern NUMBER = Pattern.compile("[0-9]{1,3}");

        @Override
        public Integer convert(String text) {
            String name = text.toUpperCase(Locale.ROOT);
            if (name.startsWith("SIG")) {
                name = name.substring("SIG".length());
            }
            Matcher realTime = REAL_TIME.matcher(name);
            int signal =
                    switch (name) {
                        case "USR1" -> Signals.SIGUSR1;
                        case "USR2" -> SIGUSR2;
                        default -> {
                            if (realTime.matches()) {
                                String above = realTime.group(1);
                                yield SIGRTMIN + (above == null ? 0 : Integer.parseInt(above));
                            }
                            yield NUMBER.matcher(name).matches() ? Integer.parseInt(name) : 0;
                        }
                    };
            if (signal < 1 || signal > Signals.SIGRTMAX) {
                throw new TypeConversionException(
                        "'%s' is no signal for kicks; write USR1, USR2, RTMIN+N or a number"
                                .formatted(text));
            }
            return signal;
        }
    }

    /** CPUs and ranges of them between commas, sets of those between colons. */
    static final class CpuSetsConverter implements ITypeConverter<CpuSets> {

        private static final Pattern RANGE = Pattern.compile("([0-9]{1,4})(?:-([0-9]{1,4}))?");

        @Override
        public CpuSets convert(String text) {
            List<Set<Integer>> sets = new ArrayList<>();
            for (String set : text.split(":", -1)) {
                sets.add(cpus(set, text));
            }
            return new CpuSets(sets);
        }

        private static Set<Integer> cpus(String set, String text) {
            Set<Integer> cpus = new TreeSet<>();
            for (String part : set.split(",", -1)) {
                Matcher range = RANGE.matcher(part);
                int first = range.matches() ? Integer.parseInt(range.group(1)) : 1;
                int last = 0;
                if (range.matches()) {
                    last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
                }
                if (first > last) {
                    throw new TypeConversionException(
                            "'%s' is no set of CPUs; write 0-3,8, or 0:1 for each vCPU"
                                    .formatted(text));
                }
                for (int cpu = first; cpu <= last; cpu++) {
                    cpus.add(cpu);
                }
            }
            return cpus;
        }
    }
}
