// SPDX-License-Identifier: Apache-2.0
/**
 * Linux, in C's terms: descriptors, mappings, signals, threads. The only place that calls libc.
 *
 * <p>Inside, a call returns {@code >= 0} or {@code -errno}; methods that can not go on without it
 * throw {@link io.jvmm.ffi.linux.KernelException}. Sources are the manual pages of section 2 and
 * the kernel's user headers; constants and offsets stand where they are used and are compared with
 * the headers by a test.
 */
package io.jvmm.ffi.linux;
