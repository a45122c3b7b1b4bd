// SPDX-License-Identifier: Apache-2.0
/**
 * Page-fault handlers as processes of their own: the handshake that Firecracker documents, from
 * both sides, and a handler that serves a file. A handler written for Firecracker serves a machine
 * of ours; ours serves Firecracker's.
 *
 * @see <a
 *     href="https://github.com/firecracker-microvm/firecracker/blob/main/docs/snapshotting/handling-page-faults-on-snapshot-resume.md">Firecracker:
 *     handling page faults on snapshot resume</a>
 */
@org.jspecify.annotations.NullMarked
package io.jvmm.paging.handler;
