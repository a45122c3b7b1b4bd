package io.jvmm.cli;

import io.jvmm.backend.ConsoleEscape;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A machine in the foreground: its keyboard, its signals, its end. */
final class Session {

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);
    private static final String[] STOPPING = {"INT", "TERM", "HUP"};

    private final MachineConfig config;
    private final boolean keyboard;
    private final AtomicInteger signalled = new AtomicInteger();
    private final AtomicReference<@Nullable Machine> current = new AtomicReference<>();
    private volatile boolean resetWanted;

    /**
     * @param keyboard whether standard input goes to the guest
     */
    Session(MachineConfig config, boolean keyboard) {
        this.config = config;
        this.keyboard = keyboard;
    }

    /** Runs machines until one ends for good; returns the command's exit code. */
    int run() throws InterruptedException {
        for (String name : STOPPING) {
            ProcessSignal.handle(name, this::stopBy);
        }
        try (Keyboard keys = keyboard ? new Keyboard(this::perform) : Keyboard.none()) {
            MachineExit exit;
            do {
                resetWanted = false;
                exit = runOnce(keys);
            } while (resetWanted && signalled.get() == 0);
            int signal = signalled.get();
            return signal != 0 ? ExitCode.SIGNAL + signal : ExitCode.of(exit);
        }
    }

    private MachineExit runOnce(Keyboard keys) throws InterruptedException {
        try (Machine machine = Machine.create(config)) {
            current.set(machine);
            if (signalled.get() != 0) {
                // The signal came before there was a machine to stop.
                machine.stop();
            }
            keys.connect(machine.consoleInput());
            if (signalled.get() == 0) {
                machine.start();
            }
            MachineExit exit = machine.await();
            report(exit);
            return exit;
        } finally {
            current.set(null);
            keys.disconnect();
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
        stop();
    }

    private void stop() {
        Machine machine = current.get();
        if (machine != null) {
            machine.stop();
        }
    }

    private void perform(ConsoleEscape.Action action) {
        Machine machine = current.get();
        switch (action) {
            case STOP -> stop();
            case RESET -> {
                resetWanted = true;
                stop();
            }
            case BREAK -> {
                if (machine != null) {
                    machine.sendBreak();
                }
            }
            case POWER_BUTTON -> {
                if (machine != null) {
                    machine.pressPowerButton();
                }
            }
            case HELP -> {}
        }
    }
}
