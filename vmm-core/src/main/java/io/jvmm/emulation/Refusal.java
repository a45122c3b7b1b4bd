// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/**
 * Why an instruction is not completed: it is not in the table, or it needs something that is not
 * done here. Never leaves the room; its message does.
 */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1;

    Refusal(String reason) {
        super(reason, null, false, false);
    }

    /** The reason, a clause that begins in lower case. */
    String reason() {
        return String.valueOf(getMessage());
    }
}
