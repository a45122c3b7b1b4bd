// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

/**
 * Whatever a machine sends as its regions is a list of good ones, or a {@link HandlerException}.
 * For a fuzzer and for random bytes.
 */
public final class HandlerMessageTarget {

    private HandlerMessageTarget() {}

    public static void regions(byte[] input) {
        boolean _ = HandlerMessage.mayBeWhole(input);
        List<HandlerRegion> regions;
        try {
            regions = HandlerMessage.decode(input);
        } catch (HandlerException e) {
            assertThat(e.getMessage()).isNotEmpty();
            return;
        }
        assertThat(regions).isNotEmpty();
        assertThat(HandlerMessage.mayBeWhole(input)).isTrue();
        assertThat(HandlerMessage.decode(HandlerMessage.encode(regions))).isEqualTo(regions);
    }
}
