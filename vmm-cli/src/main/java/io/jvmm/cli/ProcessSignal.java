package io.jvmm.cli;

import static java.lang.invoke.MethodType.methodType;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.util.function.IntConsumer;

/**
 * Signals to this process. A shutdown hook could stop the machine too, but neither choose the exit
 * code nor tell which signal came, so this is {@code sun.misc.Signal}, from the supported module
 * {@code jdk.unsupported}. By reflection, because javac warns of its direct use in a way that
 * cannot be switched off.
 */
final class ProcessSignal {

    private ProcessSignal() {}

    /**
     * Handles a signal from now on, unless whoever started the process wants it ignored, as nohup
     * does.
     *
     * @param name without SIG, such as {@code INT}
     * @param action gets the signal's number, on a thread of its own
     */
    static void handle(String name, IntConsumer action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            MethodHandle numberOf = lookup.unreflect(signal.getMethod("getNumber"));
            MethodHandle accept =
                    lookup.findVirtual(
                                    IntConsumer.class, "accept", methodType(void.class, int.class))
                            .bindTo(action);
            Object ours =
                    MethodHandleProxies.asInterfaceInstance(
                            handler, MethodHandles.filterArguments(accept, 0, numberOf));
            Object it = signal.getConstructor(String.class).newInstance(name);
            Method handle = signal.getMethod("handle", signal, handler);
            Object ignore = handler.getField("SIG_IGN").get(null);
            if (ignore.equals(handle.invoke(null, it, ours))) {
                handle.invoke(null, it, ignore);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("SIG" + name + " cannot be handled", e);
        }
    }
}
