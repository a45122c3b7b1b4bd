// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.host.HostQuirks;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Option;

import java.nio.file.Path;

/** What is done about a host that cannot carry out all of a guest's ring 0. */
final class HostOptions {

    /** Whether to do anything. */
    enum Quirks {
        AUTO,
        OFF
    }

    @Option(
            names = "--host-quirks",
            paramLabel = "HOW",
            converter = QuirksConverter.class,
            defaultValue = "auto",
            description = "auto or off: make up for what this host lacks (see vmm host)")
    Quirks quirks = Quirks.AUTO;

    /**
     * What to do for this kernel on this host.
     *
     * @param kernel null for the bundled guest, which needs nothing
     * @throws io.jvmm.ffi.linux.KernelException the host has no KVM, or one that runs nothing
     */
    HostQuirks quirksFor(@Nullable Path kernel) {
        return quirks == Quirks.OFF || kernel == null
                ? HostQuirks.NONE
                : HostCommand.profiles().quirks();
    }
}
