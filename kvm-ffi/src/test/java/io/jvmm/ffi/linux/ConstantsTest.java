// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.GeneratedHeader;
import io.jvmm.ffi.gen.HandWritten;
import io.jvmm.ffi.gen.epoll.epoll_event;
import io.jvmm.ffi.gen.poll.pollfd;
import io.jvmm.ffi.gen.sched.sched_attr;
import io.jvmm.ffi.gen.sched.sched_h;
import io.jvmm.ffi.gen.signal.sigaction;
import io.jvmm.ffi.gen.socket.cmsghdr;
import io.jvmm.ffi.gen.socket.iovec;
import io.jvmm.ffi.gen.socket.msghdr;
import io.jvmm.ffi.gen.socket.sockaddr_un;
import io.jvmm.ffi.gen.termios.termios;
import io.jvmm.ffi.gen.termios.winsize;

import org.junit.jupiter.api.Test;

import java.lang.reflect.Field;
import java.util.List;
import java.util.Locale;

/** What is written by hand in this package, against the generated bindings. */
class ConstantsTest {

    @Test
    void constantsHaveTheValuesOfTheHeaders() {
        assertThat(
                        HandWritten.constants(
                                List.of(
                                        Epoll.class,
                                        EventFd.class,
                                        Fd.class,
                                        FdPassing.class,
                                        Kick.class,
                                        Mapping.class,
                                        Memfd.class,
                                        PidFd.class,
                                        Signals.class,
                                        Terminal.class,
                                        UnixSocket.class)))
                .as("names that are not C's: sizes, offsets, choices of our own")
                .containsExactlyInAnyOrder(
                        "Epoll.DATA",
                        "Epoll.EVENTS",
                        "Epoll.EVENT_BYTES",
                        "Fd.CLOSED",
                        "Fd.MODE_OWNER_ONLY",
                        "FdPassing.CMSG_DATA",
                        "FdPassing.CMSG_LEN",
                        "FdPassing.CMSG_LEVEL",
                        "FdPassing.CMSG_TYPE",
                        "FdPassing.IOVEC_BYTES",
                        "FdPassing.IOV_BASE",
                        "FdPassing.IOV_LEN",
                        "FdPassing.MAX_DESCRIPTORS",
                        "FdPassing.MSGHDR_BYTES",
                        "FdPassing.MSG_CONTROL",
                        "FdPassing.MSG_CONTROLLEN",
                        "FdPassing.MSG_FLAGS",
                        "FdPassing.MSG_IOV",
                        "FdPassing.MSG_IOVLEN",
                        "Kick.ACTION_FLAGS",
                        "Kick.ACTION_HANDLER",
                        "Kick.ACTION_RESTORER",
                        "Kick.HARMLESS",
                        "Kick.SIGACTION_BYTES",
                        "Kick.SIG_DFL",
                        "Kick.SIG_IGN",
                        "Mapping.HUGE_PAGE_BYTES",
                        "Mapping.NO_FD",
                        "PidFd.PID",
                        "PidFd.UCRED_BYTES",
                        "Signals.INFO",
                        "Signals.INFO_ADDRESS",
                        "Signals.INFO_CODE",
                        "Signals.PREVIOUS",
                        "Signals.SET",
                        "Signals.SET_BYTES",
                        "Signals.SIGRTMAX",
                        "Signals.TIMEOUT",
                        "Terminal.C_CC",
                        "Terminal.C_CFLAG",
                        "Terminal.C_IFLAG",
                        "Terminal.C_LFLAG",
                        "Terminal.TERMIOS_BYTES",
                        "Terminal.WS_COL",
                        "Terminal.WS_ROW",
                        "UnixSocket.BACKLOG",
                        "UnixSocket.SLICE_NANOS",
                        "UnixSocket.STREAM",
                        "UnixSocket.SUN_FAMILY",
                        "UnixSocket.SUN_PATH",
                        "UnixSocket.SUN_PATH_BYTES",
                        "UnixSocket.TIMEVAL_BYTES",
                        "UnixSocket.TV_SEC",
                        "UnixSocket.TV_USEC");
    }

    @Test
    void systemCallsHaveTheNumbersOfTheHeaders() throws IllegalAccessException {
        for (Field number : Nr.class.getDeclaredFields()) {
            String name = "__NR_" + number.getName().toLowerCase(Locale.ROOT);
            assertThat(number.getLong(null))
                    .as(name)
                    .isEqualTo(GeneratedHeader.anyConstant(name).longValue());
        }
    }

    @Test
    void adviceHasTheNumbersOfTheHeaders() {
        for (Advice advice : Advice.values()) {
            assertThat(advice.number())
                    .as("%s", advice)
                    .isEqualTo(GeneratedHeader.anyConstant("MADV_" + advice));
        }
    }

    @Test
    void policiesHaveTheNumbersOfTheHeaders() {
        assertThat(Scheduling.Policy.NORMAL.number()).isEqualTo(sched_h.SCHED_NORMAL());
        assertThat(Scheduling.Policy.FIFO.number()).isEqualTo(sched_h.SCHED_FIFO());
        assertThat(Scheduling.Policy.ROUND_ROBIN.number()).isEqualTo(sched_h.SCHED_RR());
        assertThat(Scheduling.Policy.BATCH.number()).isEqualTo(sched_h.SCHED_BATCH());
        assertThat(Scheduling.Policy.IDLE.number()).isEqualTo(sched_h.SCHED_IDLE());
    }

    @Test
    void offsetsAreThoseOfTheHeaders() throws ReflectiveOperationException {
        assertOffset(Epoll.class, "EVENTS", epoll_event.events$offset());
        assertOffset(Epoll.class, "DATA", epoll_event.data$offset());
        assertOffset(Epoll.class, "EVENT_BYTES", epoll_event.sizeof());
        assertOffset(FdPassing.class, "IOV_BASE", iovec.iov_base$offset());
        assertOffset(FdPassing.class, "IOV_LEN", iovec.iov_len$offset());
        assertOffset(FdPassing.class, "IOVEC_BYTES", iovec.sizeof());
        assertOffset(FdPassing.class, "MSG_IOV", msghdr.msg_iov$offset());
        assertOffset(FdPassing.class, "MSG_IOVLEN", msghdr.msg_iovlen$offset());
        assertOffset(FdPassing.class, "MSG_CONTROL", msghdr.msg_control$offset());
        assertOffset(FdPassing.class, "MSG_CONTROLLEN", msghdr.msg_controllen$offset());
        assertOffset(FdPassing.class, "MSG_FLAGS", msghdr.msg_flags$offset());
        assertOffset(FdPassing.class, "MSGHDR_BYTES", msghdr.sizeof());
        assertOffset(FdPassing.class, "CMSG_LEN", cmsghdr.cmsg_len$offset());
        assertOffset(FdPassing.class, "CMSG_LEVEL", cmsghdr.cmsg_level$offset());
        assertOffset(FdPassing.class, "CMSG_TYPE", cmsghdr.cmsg_type$offset());
        assertOffset(FdPassing.class, "CMSG_DATA", cmsghdr.sizeof());
        assertOffset(Kick.class, "ACTION_HANDLER", sigaction.sa_handler$offset());
        assertOffset(Kick.class, "ACTION_FLAGS", sigaction.sa_flags$offset());
        assertOffset(Kick.class, "ACTION_RESTORER", sigaction.sa_restorer$offset());
        assertOffset(Kick.class, "SIGACTION_BYTES", sigaction.sizeof());
        assertOffset(Fd.Pollfd.class, "FD", pollfd.fd$offset());
        assertOffset(Fd.Pollfd.class, "EVENTS", pollfd.events$offset());
        assertOffset(Fd.Pollfd.class, "REVENTS", pollfd.revents$offset());
        assertOffset(Scheduling.class, "SIZE", sched_attr.size$offset());
        assertOffset(Scheduling.class, "POLICY", sched_attr.sched_policy$offset());
        assertOffset(Scheduling.class, "NICE", sched_attr.sched_nice$offset());
        assertOffset(Scheduling.class, "PRIORITY", sched_attr.sched_priority$offset());
        assertOffset(Scheduling.class, "ATTR_BYTES", sched_attr.sched_util_min$offset());
        assertOffset(Terminal.class, "C_IFLAG", termios.c_iflag$offset());
        assertOffset(Terminal.class, "C_CFLAG", termios.c_cflag$offset());
        assertOffset(Terminal.class, "C_LFLAG", termios.c_lflag$offset());
        assertOffset(Terminal.class, "C_CC", termios.c_cc$offset());
        assertOffset(Terminal.class, "TERMIOS_BYTES", termios.sizeof());
        assertOffset(Terminal.class, "WS_ROW", winsize.ws_row$offset());
        assertOffset(Terminal.class, "WS_COL", winsize.ws_col$offset());
        assertOffset(UnixSocket.class, "SUN_FAMILY", sockaddr_un.sun_family$offset());
        assertOffset(UnixSocket.class, "SUN_PATH", sockaddr_un.sun_path$offset());
        assertOffset(UnixSocket.class, "SUN_PATH_BYTES", sockaddr_un.sizeof() - 2);
    }

    private static void assertOffset(Class<?> owner, String name, long expected)
            throws ReflectiveOperationException {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        assertThat(field.getLong(null)).as(owner.getSimpleName() + "." + name).isEqualTo(expected);
    }
}
