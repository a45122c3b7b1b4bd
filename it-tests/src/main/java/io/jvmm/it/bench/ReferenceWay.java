// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.host.FaultModes;
import io.jvmm.paging.FaultMode;

import java.io.IOException;
import java.util.Optional;

/**
 * A mode as {@code memory-faults.c} has it.
 *
 * @param program started for the ring in which the guest runs
 */
record ReferenceWay(FaultMode mode, int pages, CReference program) implements FaultWay {

    /** How the label ends, behind that of the mode. */
    static final String SUFFIX = "-in-c";

    @Override
    public String label() {
        return mode.label() + SUFFIX;
    }

    @Override
    public boolean isJava() {
        return false;
    }

    @Override
    public Optional<String> refusal(Kvm kvm) {
        return FaultModes.refusal(kvm, mode);
    }

    @Override
    public double run(int ring, int vcpus) throws IOException, InterruptedException {
        ServiceWay.touch(pages);
        String answer = program.ask("%s %d %d".formatted(mode.label(), vcpus, pages));
        return Double.parseDouble(answer.substring("ns ".length())) / pages;
    }
}
