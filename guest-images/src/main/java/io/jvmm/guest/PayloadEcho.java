// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

/**
 * The register that {@link Payload#STRESS} checks device accesses with: every access changes its
 * content, so one that is lost, doubled or out of order shows in all later reads. Each vCPU has one
 * behind ports and one in device memory. The test puts it there.
 *
 * <p>Not thread-safe: one vCPU uses it.
 */
public final class PayloadEcho {
    /** First of the four ports of vCPU 0; those of the others follow. */
    public static final int PORTS = 0x700;

    /** Number of ports for each vCPU. */
    public static final int PORTS_PER_WORKER = 4;

    /** Guest-physical address of the register of vCPU 0; those of the others follow. */
    public static final long MMIO = Payload.TEST_MMIO + 0x400;

    /** Distance from the register of one vCPU to the next, in bytes. */
    public static final int MMIO_PER_WORKER = 64;

    private int content;

    /** A register that holds 0, as the payload expects it at its start. */
    public PayloadEcho() {}

    /** A 32-bit write. */
    public void write(int value) {
        content = Integer.rotateLeft(content, 5) + value;
    }

    /** A 32-bit read. */
    public int read() {
        return content++;
    }
}
