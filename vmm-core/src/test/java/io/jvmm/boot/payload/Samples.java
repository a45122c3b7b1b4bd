// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Content to pack: repeatable, and with something in it for every part of a decoder. */
final class Samples {

    private static final String[] WORDS = {
        "kernel",
        "page",
        "table",
        "vcpu",
        "the",
        "of",
        "interrupt",
        "memory",
        "fault",
        "exit",
        "a",
        "userfaultfd",
        "stage",
        "guest",
        "host",
        "is",
        "clock",
        "0x1000000",
        "\n",
        "register"
    };

    private Samples() {}

    /** Text of few words: literals with a skewed distribution, short matches. */
    static byte[] words(int size, long seed) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < size) {
            int pick = (int) (WORDS.length * random.nextDouble() * random.nextDouble());
            text.append(WORDS[pick]).append(' ');
            if (random.nextInt(8) == 0) {
                text.append(random.nextInt(100_000));
            }
        }
        return text.substring(0, size).getBytes(StandardCharsets.US_ASCII);
    }

    static byte[] noise(int size, long seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Words, zeros, noise, the same words again (a far match) and single bytes repeated. */
    static byte[] mixed(int size, long seed) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Random random = new Random(seed);
        byte[] first = words(size / 3 + 1, seed);
        out.writeBytes(first);
        while (out.size() < size) {
            int length = 1 + random.nextInt(Math.max(1, size / 8));
            switch (random.nextInt(5)) {
                case 0 -> out.writeBytes(new byte[length]);
                case 1 -> out.writeBytes(noise(Math.min(length, 3000), random.nextLong()));
                case 2 -> out.write(first, 0, Math.min(length, first.length));
                case 3 ->
                        out.writeBytes("ab".repeat(length / 2).getBytes(StandardCharsets.US_ASCII));
                default -> out.writeBytes(words(length, random.nextLong()));
            }
        }
        return java.util.Arrays.copyOf(out.toByteArray(), size);
    }
}
