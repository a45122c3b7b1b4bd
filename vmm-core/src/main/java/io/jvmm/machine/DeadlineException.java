// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/**
 * The time that the caller gave was over before a machine had done what it was told; the message
 * says what it waited for. The machine is where it was before the call.
 */
public final class DeadlineException extends MachineException {

    private static final long serialVersionUID = 1;

    DeadlineException(String message) {
        super(message);
    }
}
