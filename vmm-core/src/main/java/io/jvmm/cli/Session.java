package io.jvmm.cli;

import io.jvmm.backend.ConsoleEscape;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/** A machine in the foreground: its keyboard, its signals, its end. */
final class Session {

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);
    private static final String[] STOPPING = {"INT", "TERM", "HUP"};

    private final MachineConfig config;
    private final boolean keyboard;
    private final AtomicInteger signalled = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock, so that a stop comes either before the start or to a machine that runs.
    private @Nullable Machine current;
    private boolean stopWanted;
    private boolean resetWanted;

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
                exit = runOnce(keys);
            } while (isReset());
            int signal = signalled.get();
            return signal != 0 ? ExitCode.SIGNAL + signal : ExitCode.of(exit);
        }
    }

    private MachineExit runOnce(Keyboard keys) throws InterruptedException {
        try (Machine machine = Machine.create(config)) {
            try {
                keys.connect(machine.consoleInput());
                begin(machine);
                MachineExit exit = machine.await();
                report(exit);
                return exit;
            } finally {
                // Before the machine is closed: a key must not reach what is given back.
                keys.disconnect();
                forget();
            }
        }
    }

    private void begin(Machine machine) {
        lock.lock();
        try {
            current = machine;
            resetWanted = false;
            if (stopWanted) {
                machine.stop();
            } else {
                machine.start();
            }
        } finally {
            lock.unlock();
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

    private boolean isReset() {
        lock.lock();
        try {
            return resetWanted && !stopWanted;
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
    }

    private void perform(ConsoleEscape.Action action) {
        lock.lock();
        try {
            Machine machine = current;
            switch (action) {
                case STOP -> stopWanted = true;
                case RESET -> resetWanted = true;
                case BREAK, POWER_BUTTON, HELP -> {}
            }
            if (machine != null) {
                perform(action, machine);
            }
        } finally {
            lock.unlock();
        }
    }

    private static void perform(ConsoleEscape.Action action, Machine machine) {
        switch (action) {
            case STOP, RESET -> machine.stop();
            case BREAK -> machine.sendBreak();
            case POWER_BUTTON -> machine.pressPowerButton();
            case HELP -> {}
        }
    }
}
