// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/** A machine could not be made, or could not do what it was told; the message names the remedy. */
public sealed class MachineException extends RuntimeException permits DeadlineException {

    private static final long serialVersionUID = 1;

    public MachineException(String message) {
        super(message);
    }

    public MachineException(String message, Throwable cause) {
        super(message, cause);
    }
}
