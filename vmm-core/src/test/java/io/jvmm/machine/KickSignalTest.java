// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** The signal that the process lends its machines. */
@RequiresKvm
@Timeout(60)
class KickSignalTest {

    private static final int SIGRTMIN_PLUS_2 = 36;

    @Test
    void isRefusedWhenTheApplicationHandlesIt() throws Exception {
        Object previous = handle("USR1", null);
        try {
            assertThatThrownBy(() -> Machine.create(TestGuests.machine(Payload.RING3_SPIN).build()))
                    .isInstanceOf(MachineException.class)
                    .hasMessage(
                            "this process handles signal 10 itself, by which vCPU threads are"
                                + " kicked: choose another one with MachineConfig's kickSignal");
            MachineConfig other =
                    TestGuests.machine(Payload.RING3_SPIN).kickSignal(SIGRTMIN_PLUS_2).build();
            try (Machine machine = Machine.create(other)) {
                machine.start();
                machine.stop();
                assertThat(machine.await()).isEqualTo(new MachineExit.Stopped());
            }
        } finally {
            handle("USR1", previous);
        }
        try (Machine machine = Machine.create(TestGuests.machine(Payload.END_PANIC).build())) {
            machine.start();
            assertThat(machine.await()).isEqualTo(new MachineExit.GuestPanic());
        }
    }

    /** As {@code sun.misc.Signal.handle}, by reflection: naming that class is a warning. */
    private static Object handle(String signal, Object handler) throws Exception {
        Class<?> signals = Class.forName("sun.misc.Signal");
        Class<?> handlers = Class.forName("sun.misc.SignalHandler");
        Object own =
                handler != null
                        ? handler
                        : Proxy.newProxyInstance(
                                handlers.getClassLoader() == null
                                        ? KickSignalTest.class.getClassLoader()
                                        : handlers.getClassLoader(),
                                new Class<?>[] {handlers},
                                (proxy, method, arguments) -> null);
        Method handle = signals.getMethod("handle", signals, handlers);
        return handle.invoke(null, signals.getConstructor(String.class).newInstance(signal), own);
    }

    @Test
    void isRefusedWhenTheVirtualMachineHandlesIt() {
        assertThatThrownBy(() ->
                        Machine.create(
                                TestGuests.machine(Payload.RING3_SPIN).kickSignal(11).build()))
                .isInstanceOf(MachineException.class)
                .isNotInstanceOf(KernelException.class)
                .hasMessageContaining("signal 11");
    }
}
