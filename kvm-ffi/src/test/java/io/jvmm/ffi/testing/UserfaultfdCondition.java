// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.uffd.Userfaultfd;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.util.Set;

/** Decides whether a {@link RequiresUserfaultfd} test runs. */
public final class UserfaultfdCondition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        try {
            Userfaultfd.open(Set.of()).close();
            return ConditionEvaluationResult.enabled("a userfaultfd can be opened");
        } catch (KernelException e) {
            if ("required".equals(System.getProperty("jvmm.kvm"))) {
                throw new AssertionError("-Djvmm.kvm=required forbids to skip", e);
            }
            return ConditionEvaluationResult.disabled(e.getMessage());
        }
    }
}
