// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SignalsTest {

    @Test
    void blocksAndUnblocks() {
        long before = Signals.blocked();
        Signals.block(Signals.SIGUSR1);
        assertThat(Signals.blocked()).isEqualTo(before | 1L << 9);
        Signals.unblock(Signals.SIGUSR1);
        assertThat(Signals.blocked()).isEqualTo(before & ~(1L << 9));
    }

    @Test
    void takesASignalThatWaits() {
        try (Kick kick = Kick.install()) {
            Signals.block(kick.signal());
            try {
                assertThat(Signals.takePending(kick.signal())).isFalse();
                kick.send(NativeThread.id());
                assertThat(Signals.takePending(kick.signal())).isTrue();
                assertThat(Signals.takePending(kick.signal())).isFalse();
            } finally {
                Signals.unblock(kick.signal());
            }
        }
    }

    @Test
    void refusesNumbersThatAreNoSignals() {
        assertThatThrownBy(() -> Signals.block(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Signals.takePending(65))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no signal 65");
        // What the kernel itself says to a set of a wrong size.
        assertThat(Errno.of(Linux.call(Nr.RT_SIGPROCMASK, 0, 0, 0, 7))).isEqualTo(Errno.EINVAL);
        assertThat(Errno.of(Linux.call(Nr.RT_SIGTIMEDWAIT, 0, 0, 0, 7))).isEqualTo(Errno.EINVAL);
    }
}
