// SPDX-License-Identifier: Apache-2.0
/**
 * Benchmarks, each against a C program or a peer in the same run: {@code ./vmm bench NAME}. They
 * print a table, then a line {@code RATIO <what> <value>} per comparison.
 */
package io.jvmm.it.bench;
