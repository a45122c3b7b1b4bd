// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

/** Saved state cannot be used: it is damaged, incomplete, or of another version or machine. */
public final class StateException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message one sentence with the values that are wrong
     */
    public StateException(String message) {
        super(message);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param message one sentence with the values that are wrong
     * @param cause what was found first
     */
    public StateException(String message, Throwable cause) {
        super(message, cause);
    }
}
