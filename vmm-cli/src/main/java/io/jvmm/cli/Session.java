// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.backend.ConsoleEscape;
import io.jvmm.machine.ConsoleLoss;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * A machine in the foreground of a process: its keyboard, its signals, its end.
 *
 * <p>{@code SIGINT} (Ctrl-C), {@code SIGTERM} and {@code SIGHUP} stop the machine at once, whatever
 * its vCPUs do or wait for. A graceful session answers the first {@code SIGINT} by pressing the
 * power button instead, and stops the machine at the second or when its patience is over.
 */
public final class Session {

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** What a start that a signal wants to end may take to notice it. */
    private static final Duration NOTICE = Duration.ofMillis(500);

    /** After a signal, the reader of the output has so long to take the last of it. */
    private static final Duration LAST_OUTPUT = Duration.ofMillis(300);

    private final Supplier<MachineConfig> config;
    private final @Nullable LogFile log;
    private final boolean keyboard;
    private final @Nullable Duration patience;
    private final AtomicInteger signalled = new AtomicInteger();
    private final AtomicBoolean asked = new AtomicBoolean();
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable Keyboard terminal;

    // Guarded by lock, so that a stop comes either before the start or to a machine that runs.
    private @Nullable Machine current;
    private boolean started;
    private boolean stopWanted;

    /**
     * @param keyboard whether standard input goes to the guest
     * @param patience how long a guest that was asked to power off may take; null to stop it at
     *     once instead
     */
    public Session(MachineConfig config, boolean keyboard, @Nullable Duration patience) {
        this(() -> config, null, keyboard, patience);
    }

    /**
     * @param config asked for when signals are handled already: it may take its time
     * @param log the file of the machine's console, to be opened once all else is right
     */
    Session(
            Supplier<MachineConfig> config,
            @Nullable LogFile log,
            boolean keyboard,
            @Nullable Duration patience) {
        this.config = config;
        this.log = log;
        this.keyboard = keyboard;
        this.patience = patience;
    }

    /** A session as the options of {@code vmm run} want it. */
    static Session of(RunOptions options) {
        return switch (options.serial) {
            case SerialOption.Stdio _ ->
                    new Session(
                            () -> options.machine(GuestOutput.take()),
                            null,
                            !options.readsStandardInput() && StandardStream.IN.isOpen(),
                            options.graceful);
            case SerialOption.ToFile to -> {
                LogFile file = new LogFile(to.file());
                yield new Session(
                        () -> options.machine(new ConsoleTarget.ToStream(file)),
                        file,
                        false,
                        options.graceful);
            }
            case SerialOption.None _ ->
                    new Session(
                            () -> options.machine(new ConsoleTarget.None()),
                            null,
                            false,
                            options.graceful);
        };
    }

    /** Runs the machine to its end; returns the command's exit code. */
    public int run() throws InterruptedException {
        ProcessSignal.handle("INT", this::interrupt);
        ProcessSignal.handle("TERM", this::stopBy);
        ProcessSignal.handle("HUP", this::stopBy);
        MachineConfig wanted = config.get();
        try (Keyboard keys = keyboard ? new Keyboard(this::perform) : Keyboard.none()) {
            terminal = keys;
            try (LogFile _ = log;
                    Machine machine = Machine.create(wanted)) {
                try {
                    if (log != null) {
                        log.open();
                    }
                    keys.connect(machine.consoleInput());
                    begin(machine);
                    MachineExit exit = machine.await();
                    report(exit);
                    boolean lost = losesOutput(machine);
                    int signal = signalled.get();
                    if (signal != 0) {
                        return ExitCode.SIGNAL + signal;
                    }
                    int code = ExitCode.of(exit);
                    return lost && code == ExitCode.OK ? ExitCode.OUTPUT_LOST : code;
                } finally {
                    // Before the machine is closed: a key must not reach what is given back.
                    keys.disconnect();
                    forget();
                }
            } catch (IOException e) {
                throw new CommandException(
                        ExitCode.FAILED, "the console's file: " + e.getMessage(), e);
            }
        }
    }

    private void begin(Machine machine) {
        lock.lock();
        try {
            current = machine;
            started = true;
            if (stopWanted) {
                machine.stop();
            } else {
                machine.start();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until the console's output is written, as long as it has a reader; a signal or Ctrl-A x
     * gives it up.
     */
    private boolean losesOutput(Machine machine) throws InterruptedException {
        CompletableFuture<Optional<ConsoleLoss>> written = machine.consoleWritten();
        if (signalled.get() != 0) {
            giveUpOutput(machine);
        }
        Optional<ConsoleLoss> loss;
        try {
            loss = written.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
        // To a user who did not want to wait for it that is no news, and the log may be stuck too.
        if (signalled.get() == 0) {
            loss.ifPresent(lost ->
                    LOG.error(
                            "{} bytes of the console's output are lost: {}",
                            lost.bytes(),
                            lost.reason()));
        }
        return loss.isPresent();
    }

    /** What its reader takes at once, it gets. */
    private static void giveUpOutput(Machine machine) {
        try {
            machine.consoleWritten().get(LAST_OUTPUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            machine.giveUpConsoleOutput();
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError("nothing interrupts this thread or fails the future", e);
        }
    }

    private void forget() {
        lock.lock();
        try {
            current = null;
        } finally {
            lock.unlock();
        }
    }

    private static void report(MachineExit exit) {
        switch (exit) {
            case MachineExit.PowerOff _, MachineExit.Stopped _ -> {}
            case MachineExit.Reset reset ->
                    LOG.info("the guest asked for a reset ({})", reset.by());
            case MachineExit.GuestPanic _ -> LOG.error("the guest's kernel panicked");
            case MachineExit.TripleFault fault ->
                    LOG.error("vCPU {} met a triple fault", fault.vcpu());
            case MachineExit.Failed failed -> {
                LOG.error("{}", failed.reason());
                if (!failed.details().isEmpty()) {
                    LOG.error("registers:\n{}", failed.details());
                }
            }
        }
    }

    private void stopBy(int signal) {
        signalled.compareAndSet(0, signal);
        perform(ConsoleEscape.Action.STOP);
        if (!hasStarted()) {
            startThread("end", () -> endStart(signal));
        }
    }

    /**
     * Ends a process that still loads or opens something: the main thread may wait in the kernel,
     * for the reader of a named pipe or for a file server.
     */
    private void endStart(int signal) {
        try {
            Thread.sleep(NOTICE);
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts this thread", e);
        }
        if (!hasStarted()) {
            Keyboard keys = terminal;
            if (keys != null) {
                keys.close();
            }
            Runtime.getRuntime().halt(ExitCode.SIGNAL + signal);
        }
    }

    private boolean hasStarted() {
        lock.lock();
        try {
            return started;
        } finally {
            lock.unlock();
        }
    }

    /** Ctrl-C. Before the machine is made there is no guest to ask. */
    private void interrupt(int signal) {
        Machine machine = running();
        if (patience == null || machine == null || !asked.compareAndSet(false, true)) {
            stopBy(signal);
            return;
        }
        boolean listens = machine.powerButton();
        LOG.info(
                "the guest{} is asked to power off and has {} s; Ctrl-C again stops it at once",
                listens ? "" : ", which does not listen to its power button yet,",
                patience.toSeconds());
        startThread("patience", () -> stopUnlessEnded(machine, patience, signal));
    }

    private void stopUnlessEnded(Machine machine, Duration atMost, int signal) {
        try {
            if (machine.await(atMost).isEmpty()) {
                LOG.warn("the guest did not power off within {} s", atMost.toSeconds());
                stopBy(signal);
            }
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts this thread", e);
        }
    }

    private @Nullable Machine running() {
        lock.lock();
        try {
            return current;
        } finally {
            lock.unlock();
        }
    }

    private void perform(ConsoleEscape.Action action) {
        lock.lock();
        try {
            stopWanted |= action == ConsoleEscape.Action.STOP;
            Machine machine = current;
            if (machine != null) {
                perform(action, machine);
            }
        } finally {
            lock.unlock();
        }
    }

    private static void perform(ConsoleEscape.Action action, Machine machine) {
        switch (action) {
            case STOP -> {
                if (machine.exit().isDone()) {
                    // The guest has ended; what goes on is the wait for the reader of its output.
                    startThread("output", () -> giveUpOutput(machine));
                } else {
                    machine.stop();
                }
            }
            // It takes its time, in which other keys and signals are to be heard.
            case RESET -> startThread("reset", () -> reset(machine));
            case BREAK -> machine.sendBreak();
            case POWER_BUTTON -> {
                boolean _ = machine.powerButton();
            }
            case HELP -> {}
        }
    }

    private static void reset(Machine machine) {
        try {
            machine.reset();
        } catch (RuntimeException e) {
            LOG.debug("no reset", e);
        }
    }

    private static void startThread(String name, Runnable work) {
        Thread.ofPlatform().name(name).daemon(true).start(work);
    }
}
