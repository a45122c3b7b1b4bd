// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

/**
 * The lab could not be built, did not start, or ended without telling how; the message says why.
 */
public final class LabException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** A failure that this room found itself. */
    public LabException(String message) {
        super(message);
    }

    /** A failure with a reason from below. */
    public LabException(String message, Throwable cause) {
        super(message, cause);
    }
}
