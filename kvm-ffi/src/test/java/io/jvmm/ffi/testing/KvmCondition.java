// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.nio.file.Files;
import java.nio.file.Path;

/** Decides whether a {@link RequiresKvm} test runs. */
public final class KvmCondition implements ExecutionCondition {

    private static final Path DEVICE = Path.of("/dev/kvm");

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (Files.isReadable(DEVICE) && Files.isWritable(DEVICE)) {
            return ConditionEvaluationResult.enabled("/dev/kvm can be opened");
        }
        String reason =
                Files.exists(DEVICE)
                        ? "/dev/kvm is there but may not be opened by this user"
                        : "there is no /dev/kvm";
        if ("required".equals(System.getProperty("jvmm.kvm"))) {
            throw new AssertionError(reason + ", and -Djvmm.kvm=required forbids to skip");
        }
        return ConditionEvaluationResult.disabled(reason);
    }
}
