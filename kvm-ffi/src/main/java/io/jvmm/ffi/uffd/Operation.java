// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import java.util.EnumSet;
import java.util.Set;

/** What can be done with a registered range; its memory's kind decides. */
public enum Operation {
    WAKE(2),
    COPY(3),
    ZEROPAGE(4),
    MOVE(5),
    WRITEPROTECT(6),
    CONTINUE(7),
    POISON(8);

    private final int number;

    Operation(int number) {
        this.number = number;
    }

    /** The {@code _UFFDIO_*} value, which is the bit in the kernel's answer. */
    int number() {
        return number;
    }

    static Set<Operation> of(long bits) {
        Set<Operation> operations = EnumSet.noneOf(Operation.class);
        for (Operation operation : values()) {
            if ((bits >>> operation.number & 1) != 0) {
                operations.add(operation);
            }
        }
        return operations;
    }
}
