// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** What happens to a {@link PageServer}. */
public sealed interface ServerEvent {

    /** The peer's address. */
    String peer();

    /** A client's session has begun. */
    record Opened(String peer) implements ServerEvent {}

    /**
     * A connection was not let in, or thrown out.
     *
     * @param reason why
     * @param message what was seen
     */
    record Refused(String peer, Refusal reason, String message) implements ServerEvent {}

    /**
     * A client has all pages, and says so; both counts agree.
     *
     * @param pages how many
     */
    record Completed(String peer, long pages) implements ServerEvent {}

    /**
     * A client has left in good order without having all pages.
     *
     * @param delivered the pages that it has, as far as the server knows
     */
    record Left(String peer, long delivered) implements ServerEvent {}

    /**
     * A session has ended in any other way. The client may come again; what it has by then, it will
     * say.
     *
     * @param reason why
     * @param message what was seen
     */
    record Lost(String peer, Refusal reason, String message) implements ServerEvent {}

    /**
     * The image cannot be read. The client waits for the page and asks for it again. Told at most
     * once a second for each session.
     *
     * @param gpa guest-physical address of what was to be read
     * @param message why
     */
    record Unreadable(String peer, long gpa, String message) implements ServerEvent {}

    /** A session's connections are closed: the last event of every session that was opened. */
    record Closed(String peer) implements ServerEvent {}
}
