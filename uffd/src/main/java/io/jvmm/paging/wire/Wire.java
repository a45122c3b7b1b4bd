// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** The protocol's numbers. What a peer sends beyond a limit is refused before it is read. */
final class Wire {

    /** The oldest version that this code speaks. */
    static final int MIN_VERSION = 1;

    /** The newest version that this code speaks. */
    static final int MAX_VERSION = 1;

    /** The most bytes behind one header, so that urgent frames and heart-beats never wait long. */
    static final int MAX_PAYLOAD = 256 << 10;

    /** The most bytes of guest memory that one request asks for: a huge page of x86-64. */
    static final int MAX_REQUEST = 2 << 20;

    /** The most requests that a client may have open on one connection. */
    static final int MAX_OUTSTANDING = 1024;

    /** The most ranges in a layout. */
    static final int MAX_RANGES = 1024;

    /** The most bytes of text in an error, UTF-8. */
    static final int MAX_TEXT = 512;

    /** The most bytes that a client may allow to be pushed and has not seen yet. */
    static final long MAX_WINDOW = 1L << 30;

    /** The smallest page. */
    static final int MIN_PAGE = 4096;

    /** Largest limit of silence that a peer may state, in milliseconds. */
    static final int MAX_SILENCE_MILLIS = 600_000;

    /** Smallest limit of silence that a peer may state, in milliseconds. */
    static final int MIN_SILENCE_MILLIS = 100;

    private Wire() {}

    /**
     * How every thread of this package is made: a platform thread. Virtual ones share few carriers
     * with the whole program, and whoever waits for a missing page in a system call holds his. With
     * all of them held, nobody would notice that the peer is gone, and the page would never come.
     */
    static Thread.Builder.OfPlatform thread(String name) {
        return Thread.ofPlatform().name(name).daemon();
    }
}
