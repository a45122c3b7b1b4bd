// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.host.InstructionFamily;
import io.jvmm.host.Profiles;
import io.jvmm.host.UffdAccess;

import org.junit.jupiter.api.Test;

import java.util.Set;

class HostJsonTest {

    @Test
    void aProfileIsOneObject() {
        String json =
                HostJson.of(
                        Profiles.interpreting(
                                InstructionFamily.BIT_COUNT, InstructionFamily.BREAKPOINT),
                        new UffdAccess(UffdAccess.Route.NONE, Set.of(), "say \"please\"\\\n"));

        assertThat(json)
                .startsWith("{\n  \"kernel\": \"6.18.0\",\n  \"interpretsRing0\": true,\n")
                .contains("\"failing\": [\n    \"BREAKPOINT\",\n    \"BIT_COUNT\"\n  ],")
                .contains("\"NR_VCPUS\": 1,")
                .contains("\"features\": [],")
                .contains("\"refusal\": \"say \\\"please\\\"\\\\\\u000a\"")
                .contains("\"commandLine\": \"cryptomgr.notests clearcpuid=popcnt,erms,fsrm\",")
                .endsWith("}\n");
    }
}
