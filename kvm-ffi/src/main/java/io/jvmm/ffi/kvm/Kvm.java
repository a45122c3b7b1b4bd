// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * The KVM device, {@code /dev/kvm}: what the host can do, and where virtual machines come from.
 * Safe for use by many threads.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, "System ioctls".
 */
public final class Kvm implements AutoCloseable {

    private static final String DEVICE = "/dev/kvm";
    private static final int FIRST_GUESS = 128;
    private static final int MOST_ENTRIES = 4096;

    private final Fd fd;

    private Kvm(Fd fd) {
        this.fd = fd;
    }

    /**
     * Opens {@code /dev/kvm}.
     *
     * @throws KernelException the device is missing, may not be opened, or speaks another version;
     *     the message names the remedy
     */
    public static Kvm open() {
        Fd fd;
        try {
            fd = Fd.open(DEVICE, Fd.O_RDWR);
        } catch (KernelException e) {
            throw e.withRemedy(remedy(e.errno(), permissions()));
        }
        try {
            int version = fd.ioctl("KVM_GET_API_VERSION", KvmRequests.KVM_GET_API_VERSION, 0);
            if (version != KvmConstants.KVM_API_VERSION) {
                throw new KernelException("KVM_GET_API_VERSION answers " + version, Errno.ENOSYS)
                        .withRemedy("use a kernel newer than 2.6.22");
            }
            return new Kvm(fd);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The device's group and mode, such as {@code "root rw-------"}; empty if unknown. */
    private static String permissions() {
        try {
            PosixFileAttributes device =
                    Files.readAttributes(Path.of(DEVICE), PosixFileAttributes.class);
            return device.group().getName()
                    + " "
                    + PosixFilePermissions.toString(device.permissions());
        } catch (IOException e) {
            return "";
        }
    }

    /** What to do about a device that cannot be opened. */
    static String remedy(Errno errno, String permissions) {
        if (errno.equals(Errno.ENOENT)) {
            return "load the module kvm_intel or kvm_amd, and turn virtualisation on in the"
                    + " firmware or, in a virtual machine, nested virtualisation";
        }
        if (errno.equals(Errno.EACCES) && isForNoGroup(permissions)) {
            return "no group may use it (%s): as root, run 'chgrp kvm /dev/kvm; chmod 660 /dev/kvm'"
                            .formatted(permissions)
                    + " and add yourself to the group kvm";
        }
        if (errno.equals(Errno.EACCES) || errno.equals(Errno.EPERM)) {
            return "add yourself to the group kvm and log in again; in a container pass"
                    + " --device /dev/kvm";
        }
        return "see the kernel's log";
    }

    /** Whether the device belongs to root's group, or its group may not both read and write. */
    private static boolean isForNoGroup(String permissions) {
        int owner = permissions.indexOf(' ') + 1;
        return owner > 0
                && (permissions.startsWith("root ") || !permissions.startsWith("rw", owner + 3));
    }

    /**
     * Asks for a capability.
     *
     * @param capability one of {@code KVM_CAP_*}
     * @return 0 when it is missing, else 1 or the number that goes with it
     */
    public int checkExtension(int capability) {
        return fd.ioctl("KVM_CHECK_EXTENSION", KvmRequests.KVM_CHECK_EXTENSION, capability);
    }

    /** Bytes of a vCPU's shared page and what follows it. */
    int vcpuMmapSize() {
        return fd.ioctl("KVM_GET_VCPU_MMAP_SIZE", KvmRequests.KVM_GET_VCPU_MMAP_SIZE, 0);
    }

    /** The CPUID leaves that KVM can show to a guest on this host. */
    public List<CpuidEntry> supportedCpuid() {
        for (int capacity = FIRST_GUESS; ; capacity *= 2) {
            try (Arena arena = Arena.ofConfined()) {
                CountedList list = new CountedList(arena, 8, CpuidEntry.SIZE, capacity);
                int result = fd.tryIoctl(KvmRequests.KVM_GET_SUPPORTED_CPUID, list.segment());
                if (Errno.E2BIG.is(result) && capacity < MOST_ENTRIES) {
                    continue;
                }
                KernelException.check("KVM_GET_SUPPORTED_CPUID", result);
                List<CpuidEntry> entries = new ArrayList<>(list.count());
                for (int i = 0; i < list.count(); i++) {
                    entries.add(CpuidEntry.read(list.segment(), list.at(i)));
                }
                return List.copyOf(entries);
            }
        }
    }

    /** The model-specific registers that a saved vCPU has to carry on this host. */
    public List<Integer> msrIndices() {
        for (int capacity = FIRST_GUESS; ; ) {
            try (Arena arena = Arena.ofConfined()) {
                CountedList list = new CountedList(arena, 4, Integer.BYTES, capacity);
                int result = fd.tryIoctl(KvmRequests.KVM_GET_MSR_INDEX_LIST, list.segment());
                if (Errno.E2BIG.is(result) && list.count() > capacity) {
                    capacity = list.count();
                    continue;
                }
                KernelException.check("KVM_GET_MSR_INDEX_LIST", result);
                List<Integer> indices = new ArrayList<>(list.count());
                for (int i = 0; i < list.count(); i++) {
                    indices.add(list.segment().get(JAVA_INT, list.at(i)));
                }
                return List.copyOf(indices);
            }
        }
    }

    /**
     * Creates a virtual machine without memory, interrupt controllers or vCPUs.
     *
     * @throws KernelException the kernel refuses, for want of memory or rights
     */
    public KvmVm createVm() {
        int result;
        do {
            // A pending signal interrupts the creation (api.rst, 4.2): then nothing was made.
            result = fd.tryIoctl(KvmRequests.KVM_CREATE_VM, 0);
        } while (Errno.EINTR.is(result));
        Fd vm = Fd.adopt("kvm-vm", (int) KernelException.check("KVM_CREATE_VM", result));
        return new KvmVm(vm, vcpuMmapSize());
    }

    @Override
    public void close() {
        fd.close();
    }
}
