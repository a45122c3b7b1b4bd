package io.jvmm.cli;

import sun.misc.Signal;
import sun.misc.SignalHandler;

import java.util.function.IntConsumer;

/**
 * Signals to this process. A shutdown hook could stop the machine too, but neither choose the exit
 * code nor tell which signal came, so this is {@code sun.misc.Signal}, from the supported module
 * {@code jdk.unsupported}.
 */
final class ProcessSignal implements SignalHandler {

    private final IntConsumer action;

    private ProcessSignal(IntConsumer action) {
        this.action = action;
    }

    /**
     * Handles a signal from now on, unless it was ignored when the process started, as {@code
     * nohup} does.
     *
     * @param name without SIG, such as {@code INT}
     * @param action gets the signal's number, on a thread of its own
     */
    static void handle(String name, IntConsumer action) {
        Signal signal = new Signal(name);
        if (SIG_IGN.equals(Signal.handle(signal, new ProcessSignal(action)))) {
            Signal.handle(signal, SIG_IGN);
        }
    }

    @Override
    public void handle(Signal signal) {
        action.accept(signal.getNumber());
    }
}
