// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/** Is told of {@link PagingEvent}s. */
public interface PagingListener {

    /**
     * Something has happened. Called from the service's clock thread, one event after the other;
     * what is thrown is logged (logger {@code io.jvmm.paging}) and changes nothing. It may call the
     * machine and the service, except {@link Pager#close}, which waits for this thread.
     */
    void on(PagingEvent event);
}
