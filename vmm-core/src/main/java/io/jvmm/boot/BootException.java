// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * A guest cannot be booted from what was given. The message is one sentence for the guest's owner:
 * which file, what is wrong with it, and the remedy where there is one.
 */
public final class BootException extends RuntimeException {

    private static final long serialVersionUID = 1;

    BootException(String message) {
        super(message);
    }

    BootException(String message, Throwable cause) {
        super(message, cause);
    }
}
