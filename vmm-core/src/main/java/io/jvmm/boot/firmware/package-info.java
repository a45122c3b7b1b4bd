// SPDX-License-Identifier: Apache-2.0
/**
 * The tables in which a PC's firmware describes the machine to a kernel: ACPI, and the older MP
 * table for kernels that run without ACPI. There is no firmware; the loader writes them.
 */
package io.jvmm.boot.firmware;
