// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.boot.BootEntry;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.host.HostQuirks;
import io.jvmm.memory.GuestMemoryMap;
import io.jvmm.paging.Pager;
import io.jvmm.vcpu.VcpuPlacement;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What a machine is to be: immutable, made by a {@link Builder}, valid once it exists. What depends
 * on the host or on the files it names is checked when the machine is created.
 */
public final class MachineConfig {

    /** The command line that a Linux guest gets when none is given. */
    public static final String DEFAULT_COMMAND_LINE = "console=ttyS0 panic=-1";

    /** Memory of a machine that does not say how much, in bytes. */
    public static final long DEFAULT_MEMORY = 512L << 20;

    /** The most vCPUs of a machine: larger local APIC ids need interrupt remapping. */
    public static final int MAX_CPUS = 254;

    /** SIGKILL and SIGSTOP. */
    private static final Set<Integer> UNHANDLED = Set.of(9, 19);

    /** Where a kernel comes from. */
    sealed interface KernelSource {
        /** A file. */
        record File(Path path) implements KernelSource {}

        /** Bytes at hand, with a name for messages. */
        record Bytes(String name, MemorySegment content) implements KernelSource {}
    }

    private final String name;
    private final KernelSource kernel;
    private final @Nullable Path initrd;
    private final String commandLine;
    private final long memoryBytes;
    private final int cpus;
    private final BootEntry bootEntry;
    private final MemoryBacking memoryBacking;
    private final ConsoleTarget console;
    private final int kickSignal;
    private final KickStrategy kickStrategy;
    private final List<Set<Integer>> cpuAffinity;
    private final Optional<CpuScheduling> cpuScheduling;
    private final ResetPolicy resetPolicy;
    private final PausedTime pausedTime;
    private final HostQuirks hostQuirks;
    private final List<DeviceFactory> devices;
    private final @Nullable Pager pager;
    private final @Nullable PagingPlan paging;

    private MachineConfig(Builder b, KernelSource kernel) {
        this.name = b.name;
        this.kernel = kernel;
        this.initrd = b.initrd;
        this.commandLine = b.commandLine;
        this.memoryBytes = b.memoryBytes;
        this.cpus = b.cpus;
        this.bootEntry = b.bootEntry;
        this.memoryBacking = b.memoryBacking;
        this.console = b.console;
        this.kickSignal = b.kickSignal;
        this.kickStrategy = b.kickStrategy;
        this.cpuAffinity = b.cpuAffinity;
        this.cpuScheduling = b.cpuScheduling;
        this.resetPolicy = b.resetPolicy;
        this.pausedTime = b.pausedTime;
        this.hostQuirks = b.hostQuirks;
        this.devices = List.copyOf(b.devices);
        this.pager = b.pager;
        this.paging = b.paging;
    }

    /** A builder that holds the defaults; a kernel is all that it needs besides. */
    public static Builder builder() {
        return new Builder();
    }

    /** The name that threads and log lines carry. */
    public String name() {
        return name;
    }

    KernelSource kernel() {
        return kernel;
    }

    /** The initial RAM disk, if there is one. */
    public Optional<Path> initrd() {
        return Optional.ofNullable(initrd);
    }

    /** The kernel's command line. */
    public String commandLine() {
        return commandLine;
    }

    /** Guest memory in bytes. */
    public long memoryBytes() {
        return memoryBytes;
    }

    /** Number of vCPUs. */
    public int cpus() {
        return cpus;
    }

    /** How the kernel is entered. */
    public BootEntry bootEntry() {
        return bootEntry;
    }

    /** What guest memory is made of. */
    public MemoryBacking memoryBacking() {
        return memoryBacking;
    }

    /** Where console output goes. */
    public ConsoleTarget console() {
        return console;
    }

    /** The signal by which vCPU threads are kicked. */
    public int kickSignal() {
        return kickSignal;
    }

    /** How vCPU threads are called out of the guest. */
    public KickStrategy kickStrategy() {
        return kickStrategy;
    }

    /**
     * The host's CPUs on which vCPU threads may run: nothing for any, one set for all vCPUs, or one
     * for each.
     */
    public List<Set<Integer>> cpuAffinity() {
        return cpuAffinity;
    }

    /**
     * How the host shares CPU time out to vCPU threads; empty for what the thread has that makes
     * the machine.
     */
    public Optional<CpuScheduling> cpuScheduling() {
        return cpuScheduling;
    }

    /** Where a vCPU may run, and how much it gets there. */
    VcpuPlacement placementOf(int vcpu) {
        Set<Integer> cpus =
                switch (cpuAffinity.size()) {
                    case 0 -> Set.of();
                    case 1 -> cpuAffinity.getFirst();
                    default -> cpuAffinity.get(vcpu);
                };
        return new VcpuPlacement(cpus, cpuScheduling.map(CpuScheduling::scheduling));
    }

    /** What follows when the guest asks for a reset. */
    public ResetPolicy resetPolicy() {
        return resetPolicy;
    }

    /** What the guest sees of the time in which it did not run. */
    public PausedTime pausedTime() {
        return pausedTime;
    }

    /** What is done about a host that cannot carry out all of a guest's ring 0. */
    public HostQuirks hostQuirks() {
        return hostQuirks;
    }

    /** What makes the devices of the application's own, in their order. */
    public List<DeviceFactory> devices() {
        return devices;
    }

    /** Who supplies the memory that is not there, if somebody does. */
    public Optional<Pager> pager() {
        return Optional.ofNullable(pager);
    }

    /** How memory comes that is not there, if it does. */
    public Optional<PagingPlan> paging() {
        return Optional.ofNullable(paging);
    }

    /** Collects a configuration. Not thread-safe; may be used again after {@link #build}. */
    public static final class Builder {

        private String name = "vm";
        private @Nullable KernelSource kernel;
        private @Nullable Path initrd;
        private String commandLine = DEFAULT_COMMAND_LINE;
        private long memoryBytes = DEFAULT_MEMORY;
        private int cpus = 1;
        private BootEntry bootEntry = BootEntry.AUTO;
        private MemoryBacking memoryBacking = MemoryBacking.ANONYMOUS;
        private ConsoleTarget console = new ConsoleTarget.Buffered();
        private int kickSignal = Signals.SIGUSR1;
        private KickStrategy kickStrategy = KickStrategy.AUTO;
        private List<Set<Integer>> cpuAffinity = List.of();
        private Optional<CpuScheduling> cpuScheduling = Optional.empty();
        private ResetPolicy resetPolicy = ResetPolicy.END;
        private PausedTime pausedTime = PausedTime.HIDDEN;
        private HostQuirks hostQuirks = HostQuirks.NONE;
        private final List<DeviceFactory> devices = new ArrayList<>();
        private @Nullable Pager pager;
        private @Nullable PagingPlan paging;

        private Builder() {}

        /** Names the machine; threads and log lines carry it. The default is {@code vm}. */
        public Builder name(String newName) {
            name = Objects.requireNonNull(newName);
            return this;
        }

        /**
         * The kernel to boot: a bzImage or an ELF vmlinux, also compressed. The machine keeps the
         * file open until it is closed, so that a reset finds it also after it was deleted.
         */
        public Builder kernel(Path file) {
            kernel = new KernelSource.File(Objects.requireNonNull(file));
            return this;
        }

        /**
         * As {@link #kernel(Path)}, from memory.
         *
         * @param kernelName for messages
         */
        public Builder kernel(String kernelName, byte[] bytes) {
            kernel = new KernelSource.Bytes(kernelName, MemorySegment.ofArray(bytes.clone()));
            return this;
        }

        /** The initial RAM disk, which is kept open as the kernel is. The default is none. */
        public Builder initrd(Path file) {
            initrd = Objects.requireNonNull(file);
            return this;
        }

        /**
         * The whole command line; the default is {@link #DEFAULT_COMMAND_LINE}. The kernel gets its
         * bytes in UTF-8, whatever they are; only a zero byte, which would end it, is refused.
         */
        public Builder commandLine(String line) {
            commandLine = Objects.requireNonNull(line);
            return this;
        }

        /** Guest memory in bytes, a multiple of 4096; the default is {@link #DEFAULT_MEMORY}. */
        public Builder memoryBytes(long bytes) {
            memoryBytes = bytes;
            return this;
        }

        /** Number of vCPUs, 1 to {@link #MAX_CPUS}; the default is 1. */
        public Builder cpus(int count) {
            cpus = count;
            return this;
        }

        /** How the kernel is entered; the default is what suits it best. */
        public Builder bootEntry(BootEntry entry) {
            bootEntry = Objects.requireNonNull(entry);
            return this;
        }

        /** What guest memory is made of; the default is anonymous memory. */
        public Builder memoryBacking(MemoryBacking backing) {
            memoryBacking = Objects.requireNonNull(backing);
            return this;
        }

        /** Where console output goes; by default it waits to be read. */
        public Builder console(ConsoleTarget target) {
            console = Objects.requireNonNull(target);
            return this;
        }

        /**
         * The signal by which vCPU threads are kicked, which the application must not handle
         * itself; the default is {@code SIGUSR1}.
         */
        public Builder kickSignal(int signal) {
            kickSignal = signal;
            return this;
        }

        /** How vCPU threads are called out of the guest; the default is the host's best way. */
        public Builder kickStrategy(KickStrategy strategy) {
            kickStrategy = Objects.requireNonNull(strategy);
            return this;
        }

        /**
         * The host's CPUs on which vCPU threads may run. The default is all that the process may
         * use.
         *
         * @param cpus one set for all vCPUs, or one for each
         */
        public Builder cpuAffinity(List<Set<Integer>> cpus) {
            cpuAffinity = cpus.stream().map(Set::copyOf).toList();
            return this;
        }

        /**
         * How the host shares CPU time out to vCPU threads. The default is what the thread has that
         * makes the machine.
         */
        public Builder cpuScheduling(CpuScheduling scheduling) {
            cpuScheduling = Optional.of(scheduling);
            return this;
        }

        /** What follows when the guest asks for a reset; by default, the machine ends. */
        public Builder resetPolicy(ResetPolicy policy) {
            resetPolicy = Objects.requireNonNull(policy);
            return this;
        }

        /**
         * What the guest sees of pauses, and of the time between saving and restoring; by default,
         * nothing.
         */
        public Builder pausedTime(PausedTime time) {
            pausedTime = Objects.requireNonNull(time);
            return this;
        }

        /**
         * What to do about a host that cannot carry out all of a guest's ring 0: {@link
         * io.jvmm.host.HostProfiles#quirks} finds it out. The default is nothing; a Linux then ends
         * on such a host at the first instruction that it lacks.
         */
        public Builder hostQuirks(HostQuirks quirks) {
            hostQuirks = Objects.requireNonNull(quirks);
            return this;
        }

        /**
         * Adds a device of the application's own, behind those added before it. The default is
         * none. A machine that is restored needs the same devices in the same order as the one that
         * was saved.
         */
        public Builder device(DeviceFactory factory) {
            devices.add(Objects.requireNonNull(factory));
            return this;
        }

        /**
         * Who supplies guest memory that the loader did not write. The machine attaches it once its
         * memory is loaded, and closes it, whatever becomes of the machine; so it serves one
         * machine, and this configuration makes only one. The default is nobody: such memory is
         * zero.
         */
        public Builder pager(Pager newPager) {
            pager = Objects.requireNonNull(newPager);
            return this;
        }

        /**
         * How the machine comes to the memory that the loader did not write, by a service of its
         * own. Such a configuration makes one machine. The default is that such memory is zero.
         */
        public Builder paging(PagingPlan plan) {
            paging = Objects.requireNonNull(plan);
            return this;
        }

        /**
         * The configuration.
         *
         * @throws ConfigException something is wrong; the exception names everything that is
         */
        public MachineConfig build() {
            List<String> problems = new ArrayList<>();
            if (name.isBlank()) {
                problems.add("the machine's name is empty");
            }
            if (cpus < 1 || cpus > MAX_CPUS) {
                problems.add("a machine has 1 to %d vCPUs, not %d".formatted(MAX_CPUS, cpus));
            }
            try {
                GuestMemoryMap.plan(memoryBytes);
            } catch (IllegalArgumentException e) {
                problems.add(String.valueOf(e.getMessage()));
            }
            if (commandLine.indexOf('\0') >= 0) {
                problems.add("the command line holds a zero byte, which would end it");
            }
            if (kickSignal < 1 || kickSignal > Signals.SIGRTMAX) {
                problems.add("there is no signal " + kickSignal);
            } else if (UNHANDLED.contains(kickSignal)) {
                problems.add("signal %d cannot be handled".formatted(kickSignal));
            }
            if (pager != null && paging != null) {
                problems.add("there are both a pager and a plan for paging: give one");
            }
            checkAffinity(problems);
            KernelSource source = kernel;
            if (source == null) {
                problems.add("a kernel is missing");
            }
            if (source == null || !problems.isEmpty()) {
                throw new ConfigException(problems);
            }
            return new MachineConfig(this, source);
        }

        private void checkAffinity(List<String> problems) {
            int sets = cpuAffinity.size();
            if (sets > 1 && sets != cpus) {
                problems.add(
                        "there are %d sets of host CPUs for %d vCPUs: give one for all, or one for each"
                                .formatted(sets, cpus));
            }
            if (cpuAffinity.stream().anyMatch(Set::isEmpty)) {
                problems.add("a set of host CPUs is empty");
            }
            if (cpuAffinity.stream().flatMap(Set::stream).anyMatch(cpu -> cpu < 0)) {
                problems.add("a host CPU has a negative number");
            }
        }
    }
}
