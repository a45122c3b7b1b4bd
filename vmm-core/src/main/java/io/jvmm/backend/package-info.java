// SPDX-License-Identifier: Apache-2.0
/**
 * The host's side of devices: the {@link io.jvmm.backend.EventLoop} that serves it, and where a
 * console's bytes go and come from.
 */
package io.jvmm.backend;
