// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** How a {@link PeerPageSource} and its server stand. */
public sealed interface PeerState {

    /**
     * A session is open; what is outstanding was asked for again.
     *
     * @param epoch number of the session, from 1
     * @param missing pages that were not delivered yet
     */
    record Connected(int epoch, long missing) implements PeerState {}

    /**
     * There is no session, for a reason that may pass. Requests are kept and the source tries again
     * by itself.
     *
     * @param reason why
     * @param message what was seen
     * @param failures in a row, without a page in between
     * @param missing pages that were not delivered yet; with 0 of them only the server's
     *     confirmation is
     */
    record Away(Refusal reason, String message, int failures, long missing) implements PeerState {}

    /**
     * There is no session, and trying again would not help: somebody must look at it. Requests are
     * answered as away until {@link PeerPageSource#redirect} is called.
     *
     * @param reason why
     * @param message what was seen
     * @param missing pages that were not delivered yet
     */
    record Refused(Refusal reason, String message, long missing) implements PeerState {}

    /**
     * Every page was delivered, and the server agrees on how many. Nothing more is needed of it.
     *
     * @param pages how many
     */
    record Complete(long pages) implements PeerState {}

    /** Closed by this side. */
    record Closed() implements PeerState {}
}
