// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/**
 * Output of a guest's console that did not get where {@link MachineConfig#console} sends it.
 *
 * @param bytes that are lost, at least 1
 * @param reason why: the error of the file or stream, or that its reader did not take them
 */
public record ConsoleLoss(long bytes, String reason) {}
