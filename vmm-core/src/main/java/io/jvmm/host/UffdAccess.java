// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Userfaultfd;

import java.util.EnumSet;
import java.util.Set;

/**
 * How this process comes by a userfaultfd that sees the accesses of KVM. It is the process's own
 * affair, not only the host's: one in a container may be refused what the next one gets.
 *
 * @param route the way
 * @param features what the kernel's userfaultfd can do; empty without a way
 * @param refusal why there is no way, with the remedy; else empty
 */
public record UffdAccess(Route route, Set<Feature> features, String refusal) {

    private static final String DEVICE = "/dev/userfaultfd";

    /** A way to a userfaultfd. */
    public enum Route {
        /** The device, which asks for no more than permission to open it. */
        DEVICE,
        /** The system call, which asks for a capability or a setting of the host. */
        SYSTEM_CALL,
        NONE
    }

    public UffdAccess {
        features = Set.copyOf(features);
    }

    /** Tries it. */
    public static UffdAccess ofThisProcess() {
        Set<Feature> features;
        try {
            features = EnumSet.copyOf(Userfaultfd.supportedFeatures());
        } catch (KernelException e) {
            return new UffdAccess(Route.NONE, Set.of(), String.valueOf(e.getMessage()));
        }
        try {
            Fd.open(DEVICE, Fd.O_RDWR).close();
            return new UffdAccess(Route.DEVICE, features, "");
        } catch (KernelException e) {
            return new UffdAccess(Route.SYSTEM_CALL, features, "");
        }
    }
}
