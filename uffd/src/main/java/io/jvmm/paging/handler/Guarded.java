// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.function.Consumer;

/** Listeners of the application, called by threads that must not end with them. */
final class Guarded {

    private static final Logger LOG = LoggerFactory.getLogger(Guarded.class);

    private Guarded() {}

    /** The same listener; what it throws is logged, and its caller goes on. */
    // An Error of a listener, too, is no reason to leave a machine without its pager.
    @SuppressWarnings("CatchingUnchecked")
    static <E> Consumer<E> listener(Consumer<E> listener) {
        return event -> {
            try {
                listener.accept(event);
            } catch (RuntimeException | Error e) {
                LOG.warn("a listener has failed at {}", event, e);
            }
        };
    }
}
