package io.jvmm.machine;

import io.jvmm.boot.BootConfig;
import io.jvmm.boot.BootLoader;
import io.jvmm.boot.BootPlan;
import io.jvmm.boot.Initrd;
import io.jvmm.boot.KernelImage;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.layout.GuestLayout;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.KickStrategy;
import io.jvmm.vcpu.VcpuOptions;
import io.jvmm.vcpu.VcpuPlacement;
import io.jvmm.vcpu.VcpuSetup;
import io.jvmm.vcpu.VcpuStop;
import io.jvmm.vcpu.VcpuThread;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * A virtual machine.
 *
 * <p>{@link #create} makes it with its kernel loaded, {@link #start} lets it run, {@link #await}
 * waits for its end, {@link #close} gives everything back. All methods may be called from any
 * thread; from a {@link MachineListener}'s callbacks too, except {@link #await}. Many machines live
 * side by side in one process; none of them ever ends it, prints, or leaves a handler behind.
 */
public final class Machine implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

    /**
     * How long {@link #close} waits for threads; they end in milliseconds unless the host hangs.
     */
    private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(30);

    private final MachineConfig config;
    private final Owned owned = new Owned();
    private final List<VcpuThread> vcpus = new ArrayList<>();
    private final List<MachineListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicReference<MachineState> state = new AtomicReference<>(MachineState.CREATED);
    private final AtomicReference<@Nullable Thread> ending = new AtomicReference<>();
    private final CountDownLatch endTold = new CountDownLatch(1);
    private final AtomicBoolean closing = new AtomicBoolean();
    private final CompletableFuture<MachineExit> exit = new CompletableFuture<>();
    private final Platform platform;
    private final BootPlan bootPlan;

    private Machine(MachineConfig config) {
        this.config = config;
        try {
            Kick kick = owned.own(installKick(config.kickSignal()), Kick::close);
            Kvm kvm = owned.own(Kvm.open(), Kvm::close);
            checkHost(kvm);
            GuestRam ram =
                    owned.own(
                            GuestRam.allocate(config.memoryBytes(), config.memoryBacking()),
                            GuestRam::close);
            KvmVm vm = owned.own(kvm.createVm(), KvmVm::close);
            vm.setTssAddress(GuestLayout.KVM_TSS);
            vm.setIdentityMapAddress(GuestLayout.KVM_IDENTITY_MAP);
            InterruptControllers.create(vm);
            ram.mapInto(vm);
            platform = owned.own(new Platform(vm, config, new DeviceRequests()), Platform::close);
            bootPlan = load(ram);
            createVcpus(kvm, vm, kick);
        } catch (RuntimeException | Error e) {
            try {
                release();
            } catch (RuntimeException more) {
                e.addSuppressed(more);
            }
            throw e;
        }
    }

    /**
     * Makes a machine and loads its kernel; nothing runs yet.
     *
     * @throws io.jvmm.boot.BootException the kernel or the initial RAM disk cannot be booted
     * @throws io.jvmm.ffi.linux.KernelException the host refuses something; the message has the
     *     remedy
     * @throws MachineException the host cannot run such a machine
     */
    public static Machine create(MachineConfig config) {
        return new Machine(config);
    }

    private static Kick installKick(int signal) {
        try {
            return Kick.install(signal);
        } catch (IllegalStateException e) {
            throw new MachineException(
                    "this process handles signal %d itself, by which vCPU threads are kicked:"
                                    .formatted(signal)
                            + " choose another one with MachineConfig's kickSignal",
                    e);
        }
    }

    private void checkHost(Kvm kvm) {
        int most = kvm.checkExtension(KvmConstants.KVM_CAP_MAX_VCPUS);
        if (config.cpus() > most) {
            throw new MachineException(
                    "this host runs machines of at most %d vCPUs, not %d"
                            .formatted(most, config.cpus()));
        }
    }

    private BootPlan load(GuestRam ram) {
        try (KernelImage image = openKernel();
                Initrd initrd = config.initrd().map(Initrd::open).orElse(null)) {
            BootPlan plan =
                    BootLoader.load(
                            ram.memory(),
                            image,
                            new BootConfig(
                                    config.commandLine(),
                                    Optional.ofNullable(initrd),
                                    config.bootEntry(),
                                    config.cpus()));
            LOG.info("{}", plan.description());
            return plan;
        }
    }

    private KernelImage openKernel() {
        return switch (config.kernel()) {
            case MachineConfig.KernelSource.File file -> KernelImage.open(file.path());
            case MachineConfig.KernelSource.Bytes bytes ->
                    KernelImage.of(bytes.name(), bytes.content());
        };
    }

    private void createVcpus(Kvm kvm, KvmVm vm, Kick kick) {
        VcpuSetup setup = new VcpuSetup(kvm, config.cpus());
        VcpuOptions options =
                new VcpuOptions(config.name(), KickStrategy.of(kvm), VcpuPlacement.ANYWHERE);
        for (int index = 0; index < config.cpus(); index++) {
            KvmVcpu vcpu = owned.own(vm.createVcpu(index), KvmVcpu::close);
            setup.prepare(vcpu, index);
            if (index == 0) {
                VcpuSetup.enter(vcpu, bootPlan.entry());
            }
            ExitLoop loop = new ExitLoop(vcpu, platform.ports(), platform.mmio());
            vcpus.add(new VcpuThread(index, vcpu, loop, kick, options, new VcpuListener()));
        }
    }

    /** What the machine was made from. */
    public MachineConfig config() {
        return config;
    }

    /** Where the machine is in its life. */
    public MachineState state() {
        return state.get();
    }

    /** Adds somebody who hears what happens. */
    public void addListener(MachineListener listener) {
        listeners.add(listener);
    }

    /**
     * Lets the guest run.
     *
     * @throws IllegalStateException it ran already, or is closed
     */
    public void start() {
        if (!state.compareAndSet(MachineState.CREATED, MachineState.RUNNING)) {
            throw new IllegalStateException(
                    "machine %s is %s and cannot start".formatted(config.name(), state.get()));
        }
        tell(listener -> listener.stateChanged(MachineState.RUNNING));
        for (VcpuThread vcpu : vcpus) {
            // A thread that cannot resume has died, and then the machine has heard of it.
            CompletableFuture<Void> _ = vcpu.resume();
        }
    }

    /**
     * Waits for the guest's end.
     *
     * @throws IllegalStateException called from a callback that tells of the end, which would wait
     *     for itself
     */
    public MachineExit await() throws InterruptedException {
        refuseToAwaitItself();
        try {
            return exit.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Waits for the guest's end, for some time.
     *
     * @return empty when the time is over and the guest is not
     * @throws IllegalStateException as {@link #await()}
     */
    public Optional<MachineExit> await(Duration atMost) throws InterruptedException {
        refuseToAwaitItself();
        try {
            return Optional.of(exit.get(atMost.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private void refuseToAwaitItself() {
        if (Thread.currentThread().equals(ending.get()) && !exit.isDone()) {
            throw new IllegalStateException(
                    "a listener of machine %s cannot wait for the end of which it is being told"
                            .formatted(config.name()));
        }
    }

    /**
     * The guest's end, for those who would rather not wait. What is made to follow it may close the
     * machine. Cancelling or completing the future changes nothing.
     */
    public CompletableFuture<MachineExit> exit() {
        return exit.copy();
    }

    /**
     * Ends the guest where it is, as pulling the plug would. Returns at once; {@link #await} tells
     * when it has happened. A guest that has ended already is not changed.
     */
    public void stop() {
        end(new MachineExit.Stopped());
    }

    /** Presses the power button: a guest that listens to ACPI shuts itself down. */
    public void pressPowerButton() {
        platform.acpi().pressPowerButton();
    }

    /**
     * What the guest writes on its serial console; ends when the guest has ended.
     *
     * @throws IllegalStateException the configuration sends it elsewhere
     */
    public InputStream consoleOutput() {
        return platform.console().output();
    }

    /** What is typed on the guest's serial console. */
    public OutputStream consoleInput() {
        return platform.console().input();
    }

    /** Sends a break on the serial console. */
    public void sendBreak() {
        platform.console().input().sendBreak();
    }

    /** How often each vCPU left the guest so far, in the order of the vCPUs. */
    public List<ExitStatistics> exitStatistics() {
        return vcpus.stream().map(vcpu -> ExitStatistics.of(vcpu.counters())).toList();
    }

    /**
     * Ends the guest if it runs, and gives back threads, memory and descriptors. When it returns,
     * listeners have heard everything. A second call does nothing, also while the first is at work.
     *
     * <p>A listener may close the machine, and so may what follows {@link #exit}; then the calls of
     * the other listeners come after.
     *
     * @throws MachineException a thread did not end in time; then its memory stays mapped, since
     *     the guest could still run in it
     */
    @Override
    public void close() {
        end(new MachineExit.Stopped());
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        try {
            release();
        } finally {
            state.set(MachineState.CLOSED);
            tell(listener -> listener.stateChanged(MachineState.CLOSED));
        }
    }

    /** Threads first, then what they use, in the reverse order of its making. */
    private void release() {
        Deadline deadline = Deadline.in(CLOSE_DEADLINE);
        CompletableFuture<?> _ = finishVcpus();
        for (VcpuThread vcpu : vcpus) {
            if (!deadline.await(vcpu::join)) {
                throw new MachineException(
                        "a vCPU thread of machine %s did not end within %d s"
                                .formatted(config.name(), CLOSE_DEADLINE.toSeconds()));
            }
        }
        Thread teller = ending.get();
        if (teller != null && !teller.equals(Thread.currentThread())) {
            // A listener that does not come back keeps nothing of the guest's.
            deadline.await(left ->
                    endTold.await(left.toNanos(), TimeUnit.NANOSECONDS) && teller.join(left));
        }
        owned.close();
    }

    /**
     * Takes the machine to its end; the first reason counts.
     *
     * <p>The end is told on a thread of its own: on a vCPU's, a listener that closes the machine
     * would wait for itself.
     */
    private void end(MachineExit why) {
        Thread teller =
                Thread.ofPlatform()
                        .name(config.name() + "-end")
                        .daemon(true)
                        .unstarted(() -> ended(why));
        if (!ending.compareAndSet(null, teller)) {
            return;
        }
        platform.console().release();
        // A vCPU whose thread died answers with an exception; it has finished all the same.
        CompletableFuture<?> _ = finishVcpus().whenComplete((_, _) -> teller.start());
    }

    private CompletableFuture<Void> finishVcpus() {
        return CompletableFuture.allOf(
                vcpus.stream().map(VcpuThread::finish).toArray(CompletableFuture[]::new));
    }

    private void ended(MachineExit why) {
        try {
            platform.console().end();
            LOG.debug("{}: {}; {}", config.name(), why, exitStatistics());
            state.set(MachineState.ENDED);
            tell(listener -> listener.stateChanged(MachineState.ENDED));
            tell(listener -> listener.exited(why));
        } finally {
            exit.complete(why);
            endTold.countDown();
        }
    }

    private void tell(Consumer<MachineListener> event) {
        for (MachineListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (Throwable e) {
                LOG.warn("{}: a listener failed", config.name(), e);
            }
        }
    }

    /** Devices call these on vCPU threads, in the middle of an exit. */
    private final class DeviceRequests implements Platform.Requests {

        @Override
        public void powerOff() {
            end(new MachineExit.PowerOff());
        }

        @Override
        public void reset(String by) {
            end(new MachineExit.Reset(by));
        }

        /** What the guest had to say, it has said: Linux reports after it printed its traces. */
        @Override
        public void guestPanicked() {
            end(new MachineExit.GuestPanic());
        }
    }

    private final class VcpuListener implements VcpuThread.Listener {

        @Override
        public void stopped(int index, VcpuStop stop) {
            switch (stop) {
                case VcpuStop.Kicked _ -> {}
                case VcpuStop.TripleFault _ -> end(new MachineExit.TripleFault(index));
                case VcpuStop.SystemEvent event -> end(exitOf(event));
                case VcpuStop.Failed failed ->
                        end(
                                new MachineExit.Failed(
                                        "vCPU %d: %s".formatted(index, failed.reason()),
                                        failed.details(),
                                        null));
            }
        }

        private static MachineExit exitOf(VcpuStop.SystemEvent event) {
            return switch (event.type()) {
                case KvmConstants.KVM_SYSTEM_EVENT_SHUTDOWN -> new MachineExit.PowerOff();
                case KvmConstants.KVM_SYSTEM_EVENT_RESET -> new MachineExit.Reset("hypercall");
                case KvmConstants.KVM_SYSTEM_EVENT_CRASH -> new MachineExit.GuestPanic();
                default -> new MachineExit.Failed("unknown system event " + event.type(), "", null);
            };
        }

        @Override
        public void died(int index, Throwable cause) {
            LOG.error("{}: vCPU {} died", config.name(), index, cause);
            end(
                    new MachineExit.Failed(
                            "vCPU %d died of a fault of the monitor: %s".formatted(index, cause),
                            "",
                            cause));
        }
    }
}
