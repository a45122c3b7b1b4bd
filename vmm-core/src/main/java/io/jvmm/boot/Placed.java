// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * Where the things that come with a kernel were put in guest memory.
 *
 * @param commandLine guest-physical address of the command line
 * @param initrd guest-physical address of the initial RAM disk, or 0
 * @param initrdSize its size in bytes, or 0
 */
record Placed(long commandLine, long initrd, long initrdSize) {}
