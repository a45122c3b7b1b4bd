// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class HandlerMessageTest {

    private static List<HandlerRegion> decode(String text) {
        return HandlerMessage.decode(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsWhatItWrites() {
        List<HandlerRegion> regions =
                List.of(
                        new HandlerRegion(0x7f00_0000_0000L, 3L << 30, 0, 4096),
                        new HandlerRegion(0x7f80_0000_0000L, 1L << 30, 3L << 30, 2 << 20));
        assertThat(HandlerMessage.decode(HandlerMessage.encode(regions))).isEqualTo(regions);
    }

    @Test
    void readsWhatFirecrackerDocuments() {
        assertThat(
                        decode(
                                """
                                [
                                  {"base_host_virt_addr": 140737488355328, "size": 8192,
                                   "offset": 0, "page_size": 4096, "page_size_kib": 4096}
                                ]
                                """))
                .containsExactly(new HandlerRegion(140737488355328L, 8192, 0, 4096));
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 4096})
    void takesTheOldFieldInBytesAndInKibibytes(int value) {
        String text =
                "[{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":0,\"page_size_kib\":"
                        + value
                        + "}]";
        assertThat(decode(text).getFirst().pageSize()).isEqualTo(4096);
    }

    /** Firecracker until 1.6. */
    @Test
    void pagesAreSmallIfNothingIsSaidOfThem() {
        String text = "[{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":0}]";
        assertThat(decode(text).getFirst().pageSize()).isEqualTo(4096);
    }

    @Test
    void passesOverFieldsOfOtherNames() {
        assertThat(
                        decode(
                                "[{\"new\":\"x\",\"base_host_virt_addr\":4096,\"is\":true,\"no\":null,"
                                    + "\"size\":4096,\"offset\":0,\"page_size\":4096,\"n\":1}]"))
                .hasSize(1);
    }

    private static final String GOOD =
            "{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":0,\"page_size\":4096}";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "[{}]",
                "[" + GOOD,
                "[" + GOOD + "]x",
                "[" + GOOD + ",]",
                "[[" + GOOD + "]]",
                "[{\"base_host_virt_addr\":-4096,\"size\":4096,\"offset\":0,\"page_size\":4096}]",
                "[{\"base_host_virt_addr\":4096,\"size\":4095,\"offset\":0,\"page_size\":4096}]",
                "[{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":0,\"page_size\":5000}]",
                "[{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":0.5,\"page_size\":4096}]",
                "[{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":00,\"page_size\":4096}]",
                "[{\"base_host_virt_addr\":4096,\"size\":4096,\"size\":4096,\"offset\":0,"
                        + "\"page_size\":4096}]",
                "[{\"base_host_virt_addr\":4096,\"size\":9223372036854775808,\"offset\":0,"
                        + "\"page_size\":4096}]",
                "[{\"base_host_virt_addr\":4096,\"size\":4096,\"offset\":0,\"page_size\":4096,"
                        + "\"a\":[1]}]",
                "[{\"base_host_virt_addr\":4096,\"size\":9223372036854771712,\"offset\":0,"
                        + "\"page_size\":4096}]"
            })
    void refusesWhatIsNotSuchAMessage(String text) {
        assertThatExceptionOfType(HandlerException.class).isThrownBy(() -> decode(text));
    }

    @Test
    void refusesAMessageThatIsTooLong() {
        assertThatExceptionOfType(HandlerException.class)
                .isThrownBy(() -> decode("[" + (GOOD + ",").repeat(2000) + GOOD + "]"));
    }

    @Test
    void bytesThatAreAlmostAMessageAreRefusedOrRight() {
        Random random = new Random(5);
        byte[] good = ("[" + GOOD + ",\n " + GOOD + "]").getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < 50_000; i++) {
            byte[] input = Arrays.copyOf(good, good.length - random.nextInt(3) * i % good.length);
            for (int change = random.nextInt(4); change > 0 && input.length > 0; change--) {
                byte other = good[random.nextInt(good.length)];
                input[random.nextInt(input.length)] =
                        random.nextBoolean() ? other : (byte) random.nextInt();
            }
            HandlerMessageTarget.regions(input);
        }
    }
}
