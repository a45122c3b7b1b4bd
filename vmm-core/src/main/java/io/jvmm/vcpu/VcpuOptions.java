// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

/**
 * How a vCPU's thread is run.
 *
 * @param machine name of the machine, from which the thread has its own
 * @param kicks how it is got out of the guest
 * @param placement where on the host it runs
 */
public record VcpuOptions(String machine, KickStrategy kicks, VcpuPlacement placement) {}
