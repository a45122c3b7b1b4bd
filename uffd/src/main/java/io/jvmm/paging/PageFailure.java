// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/** Why a source did not bring a page. */
public enum PageFailure {
    /**
     * The source cannot be reached at the moment, and expects to be again: the network is down, a
     * file system does not answer. Whoever needs the page waits and asks again, at the latest when
     * {@link PageSink#available} is called.
     */
    AWAY,
    /** No longer wanted: answer to {@link PageSource#cancel}. */
    CANCELLED,
    /**
     * The page is gone for good: the source has ended or the data are damaged. Asking again would
     * not help.
     */
    LOST
}
