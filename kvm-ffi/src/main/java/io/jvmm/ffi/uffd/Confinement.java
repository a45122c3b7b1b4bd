// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import io.jvmm.ffi.linux.Errno;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process may do, as far as it decides about userfaultfd; for telling the user why it was
 * refused.
 *
 * @param seccomp a filter of system calls is at work, as in most containers
 * @param mayTrace the process has {@code CAP_SYS_PTRACE}
 * @param openToAll {@code vm.unprivileged_userfaultfd} is 1
 */
record Confinement(boolean seccomp, boolean mayTrace, boolean openToAll) {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path OPEN_TO_ALL = Path.of("/proc/sys/vm/unprivileged_userfaultfd");
    private static final int CAP_SYS_PTRACE = 19;
    private static final String SECCOMP_FILTER = "2";

    /** The process as it is. What cannot be found out counts as not given. */
    static Confinement ofThisProcess() {
        return parse(read(STATUS), read(OPEN_TO_ALL));
    }

    static Confinement parse(String status, String openToAll) {
        boolean seccomp = false;
        boolean mayTrace = false;
        for (String line : status.split("\n", -1)) {
            String value = line.substring(line.indexOf(':') + 1).strip();
            if (line.startsWith("Seccomp:")) {
                seccomp = value.equals(SECCOMP_FILTER);
            } else if (line.startsWith("CapEff:")) {
                mayTrace = (Long.parseUnsignedLong(value, 16) >>> CAP_SYS_PTRACE & 1) != 0;
            }
        }
        return new Confinement(seccomp, mayTrace, openToAll.strip().equals("1"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException unknown) {
            return "";
        }
    }

    /**
     * What to do about a refusal.
     *
     * @param device why {@code /dev/userfaultfd} could not be opened
     * @param call why the system call has failed after that
     */
    String remedy(Errno device, Errno call) {
        if (call.equals(Errno.EPERM) || call.equals(Errno.ENOSYS)) {
            if (seccomp && (call.equals(Errno.ENOSYS) || mayTrace || openToAll)) {
                return "a seccomp filter refuses the system call userfaultfd: in a container pass"
                        + " --device /dev/userfaultfd, or a seccomp profile that allows the call";
            }
            if (call.equals(Errno.ENOSYS)) {
                return "use a kernel that was built with CONFIG_USERFAULTFD";
            }
            if (device.equals(Errno.ENOENT)) {
                return "there is no /dev/userfaultfd (in a container pass --device"
                        + " /dev/userfaultfd, on a host use Linux 6.1 or newer), so grant"
                        + " CAP_SYS_PTRACE, or set vm.unprivileged_userfaultfd to 1 by sysctl";
            }
            return "give your user read and write access to /dev/userfaultfd, or grant"
                    + " CAP_SYS_PTRACE, or set vm.unprivileged_userfaultfd to 1 by sysctl";
        }
        return call.text();
    }
}
