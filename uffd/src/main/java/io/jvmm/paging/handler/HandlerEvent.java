// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import java.time.Duration;

/** How a machine and the handler of its page faults stand. */
public sealed interface HandlerEvent {

    /** Why a handler counts as lost. */
    enum Cause {
        /** Its process has ended. */
        EXITED("its process has ended"),
        /** It has closed its socket, and its process cannot be seen from here. */
        CLOSED("it has closed its socket"),
        /** It has sent something, which no handler does. */
        TALKED("it has sent something over its socket, which no handler does");

        private final String text;

        Cause(String text) {
            this.text = text;
        }
    }

    /**
     * The faults were handed over.
     *
     * @param pid the handler's process, or 0 if it is in a namespace that is not seen from here
     */
    record Served(int pid) implements HandlerEvent {
        @Override
        public String toString() {
            return "page faults are served by process " + pid;
        }
    }

    /**
     * The handler has closed its socket, and its process lives. It may serve on, or have refused
     * this machine: a wait that lasts is told by {@link Overdue}.
     *
     * @param pid the handler's process
     */
    record SocketClosed(int pid) implements HandlerEvent {
        @Override
        public String toString() {
            return "the page-fault handler, process %d, has closed its socket".formatted(pid);
        }
    }

    /**
     * The handler will serve no more: both its process and its socket have ended. A vCPU that waits
     * for a page waits on: for another handler ({@link ExternalPager#handOver}), or for the
     * machine's end.
     *
     * @param pid the handler's process, or 0
     */
    record Lost(int pid, Cause cause) implements HandlerEvent {
        @Override
        public String toString() {
            return "the page-fault handler, process %d, is lost: %s".formatted(pid, cause.text);
        }
    }

    /**
     * A thread has waited for one page for longer than the deadline, and goes on waiting. Told
     * again after each further deadline. Where several machines of one process have handlers of
     * their own, it may be a thread of another machine.
     *
     * @param threadId as {@code gettid} gives it
     */
    record Overdue(int threadId, Duration waited) implements HandlerEvent {
        @Override
        public String toString() {
            return "thread %d has waited for a page for %d ms"
                    .formatted(threadId, waited.toMillis());
        }
    }
}
