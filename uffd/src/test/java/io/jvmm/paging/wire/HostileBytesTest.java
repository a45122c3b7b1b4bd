// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Some thousand inputs for each of the {@link FuzzTargets}, the same in each run. */
class HostileBytesTest {

    private static final int PAGE = PageLayout.PAGE_BYTES;

    @Test
    void messagesOfRandomBytesAreRefused() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            byte[] input = new byte[random.nextInt(200)];
            random.nextBytes(input);
            FuzzTargets.messages(input);
        }
    }

    @Test
    void framesThatAreAlmostRightHarmNoClient() {
        Random random = new Random(2);
        for (int i = 0; i < 5_000; i++) {
            FuzzTargets.client(frames(random, new int[] {5, 5, 5, 6, 7, 9, 11, 13}));
        }
    }

    @Test
    void framesThatAreAlmostRightHarmNoServer() {
        Random random = new Random(3);
        for (int i = 0; i < 3_000; i++) {
            FuzzTargets.server(frames(random, new int[] {3, 3, 3, 4, 8, 11, 13, 2, 10, 12}));
        }
    }

    /** Frames with small numbers, most of which make sense. */
    private static byte[] frames(Random random, int[] types) {
        ByteBuffer to = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        int count = 1 + random.nextInt(8);
        for (int frame = 0; frame < count; frame++) {
            int payload = random.nextInt(4) == 0 ? random.nextInt(3 * PAGE) : 0;
            if (random.nextInt(3) == 0) {
                payload = PAGE;
            }
            to.put((byte) types[random.nextInt(types.length)]).put((byte) random.nextInt(4));
            to.putShort((short) 0).putInt(0);
            to.putLong(
                    random.nextInt(3) == 0
                            ? 1L << 63 | random.nextInt(3)
                            : 1024L + random.nextInt(3));
            to.putLong((long) random.nextInt(6) * PAGE).putInt(random.nextInt(4) * PAGE);
            to.putInt(payload).putLong(0);
            byte[] content = new byte[payload];
            random.nextBytes(content);
            to.put(content);
        }
        byte[] bytes = new byte[to.position()];
        to.flip().get(bytes);
        return bytes;
    }
}
