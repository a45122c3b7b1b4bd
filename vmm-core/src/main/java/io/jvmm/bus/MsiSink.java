// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/**
 * Where a device sends its message-signalled interrupts.
 *
 * <p>Implementations may be called from any thread. They may make a system call, so a device never
 * calls them under the lock that guards its registers.
 */
@FunctionalInterface
public interface MsiSink {

    /**
     * Sends a message.
     *
     * @param address of the message, as the guest has programmed it
     * @param data of the message, as the guest has programmed it
     * @return whether a processor took it
     */
    boolean signal(long address, int data);
}
