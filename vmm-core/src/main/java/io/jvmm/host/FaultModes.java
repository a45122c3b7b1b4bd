// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.paging.FaultMode;

import org.jspecify.annotations.Nullable;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Which {@linkplain FaultMode fault modes} this host has, found out on a throw-away machine whose
 * vCPU serves a fault of its own in each.
 */
public final class FaultModes {

    private FaultModes() {}

    /**
     * The mode to choose where nobody asks for another: the one in which KVM names the page, where
     * it does. Marks are for those who ask for them: an instruction that KVM interprets in the
     * midst of missing memory costs more there.
     */
    public static FaultMode best(Kvm kvm) {
        return refusal(kvm, FaultMode.ANNOTATED).isEmpty()
                ? FaultMode.ANNOTATED
                : FaultMode.BLOCKING;
    }

    /**
     * Why this host does not have a mode, as a sentence without a full stop; empty if it does.
     * Takes some milliseconds.
     */
    public static Optional<String> refusal(Kvm kvm, FaultMode mode) {
        if (!mode.isSelfService()) {
            return Optional.empty();
        }
        // A thread of its own, since signals are blocked in it.
        CompletableFuture<@Nullable String> answer = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon(true)
                .name("fault-mode-probe")
                .start(() -> {
                    try {
                        // Only when everything is given back.
                        answer.complete(probe(kvm, mode));
                    } catch (RuntimeException | Error e) {
                        answer.completeExceptionally(e);
                    }
                });
        try {
            return Optional.ofNullable(answer.join());
        } catch (CompletionException e) {
            throw new IllegalStateException("the probe of fault mode " + mode + " failed", e);
        }
    }

    private static @Nullable String probe(Kvm kvm, FaultMode mode) {
        try (FaultProbe probe = new FaultProbe(kvm, mode)) {
            return probe.refusal();
        } catch (KernelException e) {
            return e.getMessage();
        }
    }

    /** Why this host does not have them: by mode; empty for those that it has. */
    public static Map<FaultMode, Optional<String>> refusals(Kvm kvm) {
        Map<FaultMode, Optional<String>> refusals = new EnumMap<>(FaultMode.class);
        for (FaultMode mode : FaultMode.values()) {
            refusals.put(mode, refusal(kvm, mode));
        }
        return refusals;
    }
}
