// SPDX-License-Identifier: Apache-2.0
/**
 * vCPUs: the exit loop, the thread that runs it, and the state a vCPU starts in.
 *
 * <p>The way of a port write: {@code KvmVcpu.run} returns, {@link io.jvmm.vcpu.ExitLoop} switches
 * on the reason, the {@link io.jvmm.bus.Bus} finds the device, and the loop goes back into the
 * guest.
 */
package io.jvmm.vcpu;
