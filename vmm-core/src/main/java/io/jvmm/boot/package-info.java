// SPDX-License-Identifier: Apache-2.0
/**
 * Kernel formats and everything a kernel expects to find when it is entered.
 *
 * <p>{@link io.jvmm.boot.KernelImage} recognises a file, {@link io.jvmm.boot.BootLoader} puts it
 * into guest memory together with page tables, descriptor table, boot parameters, command line,
 * initial RAM disk, ACPI and MP tables, and answers with a {@link io.jvmm.boot.BootPlan}: where the
 * boot processor starts and in which state. Loaders write to guest memory only and set no register.
 *
 * <p>All input is taken as hostile. Whatever a file holds, the answer is a plan or a {@link
 * io.jvmm.boot.BootException} that says in one sentence what is wrong with it.
 */
package io.jvmm.boot;
