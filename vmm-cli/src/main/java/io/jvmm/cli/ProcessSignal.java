// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.function.IntConsumer;

/**
 * Signals to this process. A shutdown hook could stop the machine too, but neither choose the exit
 * code nor tell which signal came, so this is {@code sun.misc.Signal}, from the supported module
 * {@code jdk.unsupported}. By reflection, because javac warns of its direct use in a way that
 * cannot be switched off.
 */
final class ProcessSignal implements InvocationHandler {

    private final IntConsumer action;
    private final Method numberOf;

    private ProcessSignal(IntConsumer action, Method numberOf) {
        this.action = action;
        this.numberOf = numberOf;
    }

    /**
     * Handles a signal from now on, unless it was ignored when the process started, as {@code
     * nohup} does.
     *
     * @param name without SIG, such as {@code INT}
     * @param action gets the signal's number, on a thread of its own
     */
    static void handle(String name, IntConsumer action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object ours =
                    Proxy.newProxyInstance(
                            ProcessSignal.class.getClassLoader(),
                            new Class<?>[] {handler},
                            new ProcessSignal(action, signal.getMethod("getNumber")));
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

    @Override
    @SuppressWarnings("ReferenceEquality") // a handler equals itself alone
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
            throws ReflectiveOperationException {
        if (arguments == null) {
            return method.getName().equals("hashCode")
                    ? (Object) System.identityHashCode(proxy)
                    : toString();
        }
        if (method.getName().equals("equals")) {
            return proxy == arguments[0];
        }
        action.accept((int) numberOf.invoke(arguments[0]));
        return null;
    }
}
