// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import io.jvmm.it.framework.HardwareKvm;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks tests that boot a stock Linux, for which KVM must stand on hardware virtualisation. Where
 * it does not, they are skipped, since the lab runs them on every host; with {@code
 * -Djvmm.hardware=required}, as in the lab itself, that is a failure.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("linux")
@ExtendWith(RequiresHardwareKvm.Condition.class)
@interface RequiresHardwareKvm {

    /** Looks at the processor. */
    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return decide(
                    HardwareKvm.isHere(), "required".equals(System.getProperty("jvmm.hardware")));
        }

        static ConditionEvaluationResult decide(boolean isHere, boolean isRequired) {
            if (isHere) {
                return ConditionEvaluationResult.enabled("KVM stands on the processor");
            }
            if (isRequired) {
                throw new AssertionError(
                        "no KVM on hardware virtualisation is here, and"
                                + " -Djvmm.hardware=required forbids to skip");
            }
            return ConditionEvaluationResult.disabled(
                    "a stock kernel needs hardware virtualisation; it is booted in the lab");
        }
    }
}
