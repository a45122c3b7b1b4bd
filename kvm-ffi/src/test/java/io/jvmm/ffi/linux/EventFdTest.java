// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

class EventFdTest {

    @Test
    void counts() {
        try (EventFd event = EventFd.create()) {
            assertThat(event.take()).isZero();
            event.signal();
            event.signal();
            assertThat(event.take()).isEqualTo(2);
            assertThat(event.take()).isZero();
        }
    }

    @Test
    void staysFull() {
        try (EventFd event = EventFd.create();
                Arena arena = Arena.ofConfined()) {
            MemorySegment full = arena.allocateFrom(ValueLayout.JAVA_LONG, -2L);
            event.fd().write(full);
            event.signal();
            assertThat(event.take()).isEqualTo(-2L);
        }
    }

    @Test
    void failsOnceClosed() {
        EventFd event = EventFd.create();
        event.close();
        event.close();
        assertThatThrownBy(event::signal).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(event::take).isInstanceOf(IllegalStateException.class);
        // What the kernel itself says to flags that it does not know.
        assertThat(Errno.of(Linux.call(Nr.EVENTFD2, 0, -1, 0))).isEqualTo(Errno.EINVAL);
    }
}
