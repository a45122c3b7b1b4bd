// SPDX-License-Identifier: Apache-2.0
/**
 * The command. The only room that reads and writes the process's own streams, and that ends it; all
 * it does to machines it does through {@link io.jvmm.machine}.
 */
package io.jvmm.cli;
