// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/**
 * The kernel refused a call. The message names the operation, the error and, where there is one,
 * the remedy: {@code open /dev/kvm: EACCES (13): add yourself to group kvm}.
 */
public final class KernelException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final String operation;
    private final int number;
    private final @Nullable String remedy;

    public KernelException(String operation, Errno errno) {
        this(operation, errno, null, null);
    }

    private KernelException(
            String operation, Errno errno, @Nullable String remedy, @Nullable Throwable cause) {
        super(operation + ": " + errno + ": " + (remedy != null ? remedy : errno.text()), cause);
        this.operation = operation;
        this.number = errno.number();
        this.remedy = remedy;
    }

    /**
     * Passes a good result through.
     *
     * @param operation what was called, by its name in C: {@code "KVM_CREATE_VM"}
     * @param result {@code >= 0} or {@code -errno}
     * @throws KernelException if the result is an error
     */
    public static long check(String operation, long result) {
        if (result < 0) {
            throw new KernelException(operation, Errno.of(result));
        }
        return result;
    }

    /** The same failure, telling the user what to do about it: an order without a full stop. */
    public KernelException withRemedy(String advice) {
        return new KernelException(operation, errno(), advice, this);
    }

    /** What was called, by its name in C. */
    public String operation() {
        return operation;
    }

    public Errno errno() {
        return Errno.of(number);
    }

    /** What the user can do about it, if that is known. */
    public Optional<String> remedy() {
        return Optional.ofNullable(remedy);
    }
}
