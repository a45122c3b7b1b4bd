// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * What the loader hands to the vCPU set-up.
 *
 * @param entry state in which the boot processor starts
 * @param protocol how the kernel was entered, as {@link BootEntry#label}
 * @param description what was loaded and decided, in one line for the log
 */
public record BootPlan(EntryState entry, String protocol, String description) {}
