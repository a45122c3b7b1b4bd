// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

/** A guest image, or something that one is made of, could not be had; the message says what. */
public final class ImageException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** A failure that this room found itself. */
    public ImageException(String message) {
        super(message);
    }

    /** A failure with a reason from below. */
    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
