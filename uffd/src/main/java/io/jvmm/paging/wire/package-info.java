// SPDX-License-Identifier: Apache-2.0
/**
 * The page protocol: guest memory over a stream, described for strangers in {@code
 * docs/page-protocol.md}. {@link io.jvmm.paging.wire.PageServer} serves an image; {@link
 * io.jvmm.paging.wire.PeerPageSource} fetches from it and survives the loss of the connection.
 */
@org.jspecify.annotations.NullMarked
package io.jvmm.paging.wire;
