// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import java.lang.reflect.Proxy;

/** What an application does to a signal by {@code sun.misc.Signal}; naming that is a warning. */
final class ApplicationSignal {

    private ApplicationSignal() {}

    /** Handles it, by doing nothing. */
    static void handle(String signal) throws Exception {
        Class<?> handlers = Class.forName("sun.misc.SignalHandler");
        handle(
                signal,
                Proxy.newProxyInstance(
                        ApplicationSignal.class.getClassLoader(),
                        new Class<?>[] {handlers},
                        (_, _, _) -> null));
    }

    /** Takes its handler away: {@code SIG_DFL} or {@code SIG_IGN}. */
    static void handle(String signal, String none) throws Exception {
        handle(signal, Class.forName("sun.misc.SignalHandler").getField(none).get(null));
    }

    private static void handle(String signal, Object handler) throws Exception {
        Class<?> signals = Class.forName("sun.misc.Signal");
        signals.getMethod("handle", signals, Class.forName("sun.misc.SignalHandler"))
                .invoke(null, signals.getConstructor(String.class).newInstance(signal), handler);
    }
}
