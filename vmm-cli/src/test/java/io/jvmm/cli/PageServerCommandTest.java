// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.paging.wire.PageLayout;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine.TypeConversionException;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the command refuses; what it does is shown by tests of its process. */
class PageServerCommandTest {

    @TempDir Path folder;

    private Path image(long bytes) throws IOException {
        Path file = folder.resolve("image");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(bytes);
        }
        return file;
    }

    private String token(String text) throws IOException {
        return Files.writeString(folder.resolve("token"), text).toString();
    }

    private String unix() {
        return "unix:" + folder.resolve("socket");
    }

    private static void assertRefused(CommandRun run, int code, String... words) {
        assertThat(run.exitCode()).as(run.err()).isEqualTo(code);
        assertThat(run.err()).startsWith("vmm: ").contains(words);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void somewhereToServeIsNeeded() throws IOException {
        CommandRun run = CommandRun.of("page-server", "-f", image(16 << 20).toString());
        assertRefused(run, ExitCode.USAGE, "--listen or --handler", "see vmm page-server --help");
    }

    @Test
    void aTokenIsNeededAndShownToNobody() throws IOException {
        String image = image(16 << 20).toString();
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-l", unix()),
                ExitCode.USAGE,
                "needs --token-file");
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-l", unix(), "-t", "/nowhere"),
                ExitCode.USAGE,
                "cannot read the token in /nowhere");
        String secret = "0123456789abcdef";
        CommandRun run =
                CommandRun.of("page-server", "-f", image, "-l", unix(), "-t", token(secret));
        assertRefused(run, ExitCode.USAGE, "16 to 64 bytes in hexadecimal");
        assertThat(run.err()).doesNotContain(secret);
    }

    @Test
    void theImageMustBeThereAndFit() throws IOException {
        String token = token("00".repeat(16));
        String missing = folder.resolve("missing").toString();
        assertRefused(
                CommandRun.of("page-server", "-f", missing, "-l", unix(), "-t", token),
                ExitCode.BAD_IMAGE,
                missing,
                "not there");
        String image = image((16 << 20) + 1).toString();
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-l", unix(), "-t", token),
                ExitCode.BAD_IMAGE,
                "not a number of 4 KiB pages");
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-r", "0+32M", "-l", unix(), "-t", token),
                ExitCode.BAD_IMAGE,
                "has 16777217 bytes, its layout 33554432");
        assertThat(folder.resolve("socket")).doesNotExist();
    }

    @Test
    void rangesMustAscend() throws IOException {
        assertRefused(
                CommandRun.of(
                        "page-server",
                        "-f",
                        image(16 << 20).toString(),
                        "-r",
                        "0x1000000+8M",
                        "-r",
                        "0+8M",
                        "-H",
                        folder.resolve("socket").toString()),
                ExitCode.USAGE,
                "--range: the range at 0x0 overlaps or precedes");
    }

    @Test
    void anAddressThatCannotBeHadIsTheHostsAffair() throws IOException {
        String image = image(16 << 20).toString();
        String token = token("00".repeat(16));
        String nowhere = "unix:" + folder.resolve("none/socket");
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-l", nowhere, "-t", token),
                ExitCode.HOST,
                "cannot listen at " + nowhere);
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-H", image),
                ExitCode.HOST,
                "cannot listen at " + image,
                "no socket");
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-l", "unix:" + image, "-t", token),
                ExitCode.HOST,
                "no socket");
        assertThat(Path.of(image)).exists();
        String longPath = folder.resolve("n".repeat(108)).toString();
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-H", longPath),
                ExitCode.HOST,
                "cannot listen at " + longPath,
                "less than 108 bytes");
        assertRefused(
                CommandRun.of(
                        "page-server", "-f", image, "-l", "tcp:nosuch.invalid:1", "-t", token),
                ExitCode.HOST,
                "cannot listen at tcp:nosuch.invalid:1",
                "name not known");
    }

    @Test
    void tlsNeedsItsFiles() throws IOException {
        String image = image(16 << 20).toString();
        String token = token("00".repeat(16));
        assertRefused(
                CommandRun.of("page-server", "-f", image, "-l", "tls:127.0.0.1:0", "-t", token),
                ExitCode.USAGE,
                "needs --tls-keys");
        assertRefused(
                CommandRun.of(
                        "page-server",
                        "-f",
                        image,
                        "-l",
                        "tls:127.0.0.1:0",
                        "-t",
                        token,
                        "--tls-keys",
                        image,
                        "--tls-password-file",
                        token),
                ExitCode.USAGE,
                image);
    }

    @Test
    void limitsHaveTheirRanges() throws IOException {
        assertRefused(
                CommandRun.of(
                        "page-server",
                        "-f",
                        image(16 << 20).toString(),
                        "-H",
                        folder.resolve("socket").toString(),
                        "--clients",
                        "0"),
                ExitCode.USAGE,
                "at least one client");
    }

    @Test
    void theHelpNamesEveryWay() {
        CommandRun help = CommandRun.of("page-server", "--help");
        assertThat(help.exitCode()).isZero();
        assertThat(help.out())
                .contains("--listen=ADDRESS", "--handler=PATH", "--token-file", "Exit codes:");
        assertThat(help.out().lines()).allMatch(line -> line.length() <= 80);
        // No line of ours is broken by the formatter: a word alone on a line would show it.
        assertThat(help.out()).doesNotContainPattern("\n(SIGTERM,|the|cannot|image)\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "unix:",
                "/run/socket",
                "tcp:host",
                "tcp::1",
                "tcp:host:65536",
                "udp:host:1",
                "tls:host:"
            })
    void addressesOfOtherFormsAreRefused(String text) {
        assertThatExceptionOfType(TypeConversionException.class)
                .isThrownBy(() -> new ListenAddress.Converter().convert(text))
                .withMessageContaining("unix:PATH, tcp:HOST:PORT, tls:HOST:PORT");
    }

    @Test
    void addressesAreRead() {
        ListenAddress.Converter converter = new ListenAddress.Converter();
        assertThat(converter.convert("unix:/run/a:b"))
                .isEqualTo(new ListenAddress.Unix(Path.of("/run/a:b")));
        assertThat(converter.convert("tcp:0.0.0.0:0"))
                .isEqualTo(new ListenAddress.Tcp("0.0.0.0", 0));
        assertThat(converter.convert("tls:host.example:65535"))
                .isEqualTo(new ListenAddress.OverTls("host.example", 65535));
    }

    @ParameterizedTest
    @CsvSource({
        "0+3G, 0, 3221225472",
        "0x100000000+1G, 4294967296, 1073741824",
        "4096+4K, 4096, 4096"
    })
    void rangesAreRead(String text, long gpa, long length) {
        assertThat(new RangeConverter().convert(text)).isEqualTo(new PageLayout.Range(gpa, length));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0+", "+1G", "-1+1G", "0+1", "1+4K", "0x1234+4K", "0+0K"})
    void rangesOfOtherFormsAreRefused(String text) {
        assertThatExceptionOfType(TypeConversionException.class)
                .isThrownBy(() -> new RangeConverter().convert(text));
    }
}
