// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.jvmm.ffi.uffd.FaultMessageTarget;
import io.jvmm.paging.handler.HandlerMessageTarget;

/**
 * The {@link FuzzTargets} and those of the neighbours, driven by Jazzer. Not among the ordinary
 * tests, because its agent rewrites every class of the process. One target at a time:
 *
 * <pre>JAZZER_FUZZ=1 mvn -pl uffd -am test -Dtest='WireFuzz#framesToAClient' \
 *     -Dsurefire.failIfNoSpecifiedTests=false</pre>
 */
class WireFuzz {

    @FuzzTest(maxDuration = "3m")
    void handshakeAndMessages(byte[] input) {
        FuzzTargets.messages(input);
    }

    @FuzzTest(maxDuration = "3m")
    void framesToAClient(byte[] input) {
        FuzzTargets.client(input);
    }

    @FuzzTest(maxDuration = "3m")
    void framesToAServer(byte[] input) {
        FuzzTargets.server(input);
    }

    @FuzzTest(maxDuration = "3m")
    void regionsOfAHandler(byte[] input) {
        HandlerMessageTarget.regions(input);
    }

    @FuzzTest(maxDuration = "3m")
    void faultMessages(byte[] input) {
        FaultMessageTarget.messages(input);
    }
}
