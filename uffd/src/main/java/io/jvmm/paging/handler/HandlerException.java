// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

/** The other side of a handler's handshake has not said what it must. */
public final class HandlerException extends RuntimeException {

    private static final long serialVersionUID = 1;

    HandlerException(String message) {
        super(message);
    }
}
