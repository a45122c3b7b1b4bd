// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import org.junit.jupiter.api.Test;

import java.util.Random;

/** Some thousand inputs for {@link FaultMessageTarget}, the same in each run. */
class FaultMessageBytesTest {

    @Test
    void anyBytesAreAMessageOrRefused() {
        Random random = new Random(4);
        for (int i = 0; i < 5_000; i++) {
            byte[] input = new byte[random.nextInt(9 * 32)];
            random.nextBytes(input);
            for (int at = 0; at < input.length; at += 32) {
                if (random.nextInt(8) != 0) {
                    input[at] = (byte) (UffdConstants.UFFD_EVENT_PAGEFAULT + random.nextInt(5));
                }
            }
            FaultMessageTarget.messages(input);
        }
    }
}
