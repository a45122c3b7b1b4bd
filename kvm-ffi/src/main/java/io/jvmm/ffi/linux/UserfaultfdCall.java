// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

/**
 * The system call {@code userfaultfd(2)}, for hosts without {@code /dev/userfaultfd}. What can be
 * done with the descriptor is the matter of {@code io.jvmm.ffi.uffd}.
 */
public final class UserfaultfdCall {

    private UserfaultfdCall() {}

    /**
     * Creates a descriptor that no range and no feature belongs to yet.
     *
     * @param flags {@code O_CLOEXEC}, {@link Fd#O_NONBLOCK}, {@code UFFD_USER_MODE_ONLY}
     * @throws KernelException {@code EPERM} without {@code CAP_SYS_PTRACE} and with {@code
     *     vm.unprivileged_userfaultfd} at 0, or under a seccomp filter; {@code ENOSYS} when the
     *     kernel was built without it
     */
    public static Fd create(int flags) {
        long result = Linux.call(Nr.USERFAULTFD, flags, 0, 0);
        return Fd.adopt("userfaultfd", (int) KernelException.check("userfaultfd", result));
    }
}
