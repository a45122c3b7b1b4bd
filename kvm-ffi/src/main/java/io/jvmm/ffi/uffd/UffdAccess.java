// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.UserfaultfdCall;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The ways to a userfaultfd. The device comes first: who may open it gets one that sees accesses of
 * the kernel, without any capability. The system call asks for {@code CAP_SYS_PTRACE} and is what
 * containers filter; it is for kernels older than 6.1 and hosts that hide the device.
 */
final class UffdAccess {

    private static final String DEVICE = "/dev/userfaultfd";
    private static final int O_CLOEXEC = 0x80000;
    private static final String KIND = "anon_inode:[userfaultfd]";

    private UffdAccess() {}

    /** A new, blocking descriptor, not negotiated. */
    static Fd open() {
        return open(DEVICE);
    }

    static Fd open(String path) {
        Fd device;
        try {
            device = Fd.open(path, Fd.O_RDWR);
        } catch (KernelException e) {
            return call(e.errno());
        }
        try (device) {
            return device.ioctlForFd(
                    "USERFAULTFD_IOC_NEW", UffdRequests.USERFAULTFD_IOC_NEW, O_CLOEXEC);
        }
    }

    private static Fd call(Errno device) {
        try {
            return UserfaultfdCall.create(O_CLOEXEC);
        } catch (KernelException e) {
            throw e.withRemedy(Confinement.ofThisProcess().remedy(device, e.errno()));
        }
    }

    /** Refuses a descriptor of another kind without calling into whatever it is. */
    static void requireUserfaultfd(Fd fd) {
        String kind;
        try {
            kind = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd.number())).toString();
        } catch (IOException e) {
            kind = "unknown: " + e.getMessage();
        }
        if (!kind.equals(KIND)) {
            throw new KernelException("adopt " + fd.name(), Errno.EINVAL)
                    .withRemedy("send a userfaultfd, not " + kind);
        }
    }
}
