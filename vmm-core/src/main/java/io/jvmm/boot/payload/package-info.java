// SPDX-License-Identifier: Apache-2.0
/**
 * Unpacks compressed kernels: every format that Linux offers for its own image, from a stream of
 * untrusted bytes into a bounded array.
 *
 * <p>gzip, xz, lzma and bzip2 are read by the JDK and by libraries; LZ4's legacy frame, Zstandard
 * and LZO are read here. The pure-Java Zstandard decoder on offer reads through {@code
 * sun.misc.Unsafe}, which prints warnings since JDK 24 and may take the whole JVM down on a crafted
 * image, and refuses the 128 MiB windows that Linux compresses with. Here every access is to an
 * array and checked.
 */
package io.jvmm.boot.payload;
