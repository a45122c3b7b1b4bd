// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class RequiresHardwareKvmTest {

    @Test
    void withoutTheHardwareATestIsSkippedUnlessItIsRequired() {
        assertThat(RequiresHardwareKvm.Condition.decide(true, true).isDisabled()).isFalse();
        assertThat(RequiresHardwareKvm.Condition.decide(false, false).isDisabled()).isTrue();
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> RequiresHardwareKvm.Condition.decide(false, true))
                .withMessageContaining("-Djvmm.hardware=required");
    }
}
