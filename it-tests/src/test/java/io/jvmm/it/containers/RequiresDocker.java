// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.containers;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.testcontainers.DockerClientFactory;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Skips tests where no Docker engine answers; with {@code -Djvmm.docker=required} they run there,
 * and fail.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("containers")
@ExtendWith(RequiresDocker.Condition.class)
@interface RequiresDocker {

    /** Asks for the engine. */
    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            if ("required".equals(System.getProperty("jvmm.docker"))) {
                return ConditionEvaluationResult.enabled("a Docker engine must be there");
            }
            return DockerClientFactory.instance().isDockerAvailable()
                    ? ConditionEvaluationResult.enabled("a Docker engine is there")
                    : ConditionEvaluationResult.disabled(
                            "needs a Docker engine: start one, and set DOCKER_HOST");
        }
    }
}
