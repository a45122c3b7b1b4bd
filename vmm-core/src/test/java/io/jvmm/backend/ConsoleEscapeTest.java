// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.util.Random;

class ConsoleEscapeTest {

    private final ConsoleEscape escape = new ConsoleEscape();
    private final StringBuilder seen = new StringBuilder();
    private final ConsoleEscape.Receiver receiver =
            new ConsoleEscape.Receiver() {
                @Override
                public void data(byte b) {
                    seen.append(
                            b == ConsoleEscape.ESCAPE ? "^" : String.valueOf((char) (b & 0xFF)));
                }

                @Override
                public void action(ConsoleEscape.Action action) {
                    seen.append('<').append(action).append('>');
                }
            };

    /** Types a text in which ^ stands for Ctrl-A. */
    private String type(String text) {
        byte[] bytes = text.replace('^', '\1').getBytes(StandardCharsets.ISO_8859_1);
        escape.accept(bytes, 0, bytes.length, receiver);
        return seen.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "hello, hello",
        "^x, <STOP>",
        "^X, <STOP>",
        "^r, <RESET>",
        "^b, <BREAK>",
        "^p, <POWER_BUTTON>",
        "^h, <HELP>",
        "^?, <HELP>",
        "^a, ^",
        "^^, ^",
        "^^x, ^x",
        "^^^x, ^<STOP>",
        "^z, ^z",
        "^1, ^1",
        "a^bc^xd, a<BREAK>c<STOP>d",
        "xrbph?, xrbph?",
        "^ax, ^x",
        "^é, ^é"
    })
    void keysBecomeDataOrCommands(String typed, String expected) {
        assertThat(type(typed)).isEqualTo(expected);
    }

    @Test
    void escapeWaitsForItsKeyAcrossCalls() {
        assertThat(type("^")).isEmpty();
        assertThat(type("x")).isEqualTo("<STOP>");
    }

    @Test
    void endOfInputReleasesTheEscape() {
        type("a^");

        escape.finish(receiver);
        escape.finish(receiver);

        assertThat(seen).hasToString("a^");
    }

    @Test
    void everyByteButTheEscapePasses() {
        for (int b = 0; b < 256; b++) {
            if (b != ConsoleEscape.ESCAPE) {
                seen.setLength(0);
                escape.accept((byte) b, receiver);
                assertThat(seen).hasToString(String.valueOf((char) b));
            }
        }
    }

    @Test
    void rangeIsChecked() {
        assertThatThrownBy(() -> escape.accept(new byte[2], 1, 2, receiver))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void helpNamesEveryCommand() {
        assertThat(ConsoleEscape.help().lines())
                .hasSize(ConsoleEscape.Action.values().length + 1)
                .allMatch(line -> line.matches("Ctrl-A [a-z]  .+"));
    }

    @Test
    void splittingTheInputChangesNothing() {
        Random random = new Random(3);
        for (int round = 0; round < 200; round++) {
            byte[] typed = new byte[40];
            for (int i = 0; i < typed.length; i++) {
                typed[i] =
                        (byte) (random.nextInt(3) == 0 ? 1 : "xrbpha?q".charAt(random.nextInt(8)));
            }
            seen.setLength(0);
            new ConsoleEscape().accept(typed, 0, typed.length, receiver);
            String whole = seen.toString();
            seen.setLength(0);
            ConsoleEscape split = new ConsoleEscape();
            int cut = random.nextInt(typed.length);
            split.accept(typed, 0, cut, receiver);
            split.accept(typed, cut, typed.length - cut, receiver);
            assertThat(seen).hasToString(whole);
        }
    }
}
