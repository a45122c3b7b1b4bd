// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.memory.GuestMemoryMap;
import io.jvmm.paging.wire.PageLayout;
import io.jvmm.paging.wire.ServerLimits;
import io.jvmm.paging.wire.Tls;
import io.jvmm.paging.wire.Token;

import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vmm page-server}: serves the memory of guests from a file. */
@Command(
        name = "page-server",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Serves the memory of guests from a file.",
            "",
            "It serves machines elsewhere by the page protocol (--listen), and machines of",
            "this host as the handler of their page faults (--handler), compatible with",
            "Firecracker's."
        },
        footer = {
            "",
            "Says on standard output where it listens, a line each, and then \"ready\".",
            "SIGTERM, SIGINT and SIGHUP end it; clients are told, and may go on at another",
            "server of the same image and token.",
            "",
            "A token is 16 to 64 random bytes in hexadecimal: openssl rand -hex 32. It",
            "names the image, and is a secret of those who may read that.",
            "",
            "Exit codes: 0 done (--once), 1 failure, 2 wrong use, 3 bad image, 4 the host",
            "cannot (address in use, no rights), 128+n ended by signal n."
        })
final class PageServerCommand implements Callable<Integer> {

    @Option(
            names = {"-f", "--image"},
            paramLabel = "FILE",
            required = true,
            description =
                    "the memory, raw: all ranges one behind the other, without gaps; holes of a"
                            + " sparse file are zeros. Must not change while it is served")
    private Path image = Path.of("");

    @Option(
            names = {"-r", "--range"},
            paramLabel = "ADDRESS+SIZE",
            converter = RangeConverter.class,
            description =
                    "where a part of it belongs in the guest; again for each, ascending"
                            + " (default: as vmm lays memory out, 3G from 0, the rest from 4G)")
    private List<PageLayout.Range> ranges = new ArrayList<>();

    @Option(
            names = {"-l", "--listen"},
            paramLabel = "ADDRESS",
            converter = ListenAddress.Converter.class,
            description =
                    "unix:PATH, tcp:HOST:PORT or tls:HOST:PORT, an IPv6 address in brackets; again"
                        + " for more. Port 0 takes a free one. Plain TCP is for networks that are"
                        + " trusted")
    private List<ListenAddress> addresses = new ArrayList<>();

    @Option(
            names = {"-t", "--token-file"},
            paramLabel = "FILE",
            description = "the secret that clients must know; needed for --listen")
    private @Nullable Path tokenFile;

    @Option(
            names = "--tls-keys",
            paramLabel = "FILE",
            description = "PKCS 12 file with this side's key and certificate, for tls:")
    private @Nullable Path tlsKeys;

    @Option(
            names = "--tls-trust",
            paramLabel = "FILE",
            description = "PKCS 12 file with the certificates to trust (default: --tls-keys)")
    private @Nullable Path tlsTrust;

    @Option(
            names = "--tls-password-file",
            paramLabel = "FILE",
            description = "the password of both, in the first line")
    private @Nullable Path tlsPassword;

    @Option(
            names = {"-H", "--handler"},
            paramLabel = "PATH",
            description = "a unix socket for machines that hand their userfaultfd over")
    private @Nullable Path handler;

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "16",
            description = "clients at a time, and machines (default ${DEFAULT-VALUE})")
    private int clients;

    @Option(
            names = "--bulk-connections",
            paramLabel = "N",
            defaultValue = "8",
            description = "for what is not urgent, of each client (default ${DEFAULT-VALUE})")
    private int bulkConnections;

    @Option(
            names = "--handshake-time",
            paramLabel = "SECONDS",
            converter = SecondsConverter.class,
            defaultValue = "10",
            description = "until a connection must have proved itself (default ${DEFAULT-VALUE})")
    private Duration opening = Duration.ZERO;

    @Option(
            names = "--silence-time",
            paramLabel = "SECONDS",
            converter = SecondsConverter.class,
            defaultValue = "10",
            description = "until a client that says nothing is lost (default ${DEFAULT-VALUE})")
    private Duration silence = Duration.ZERO;

    @Option(names = "--compress", description = "compress pages for clients that want it")
    private boolean compress;

    @Option(
            names = "--once",
            description = "end with 0 when a client has all pages, or a machine has ended")
    private boolean once;

    @Option(
            names = "--ready-fd",
            paramLabel = "N",
            description = "write the lines of standard output to this descriptor too, and close it")
    private @Nullable Integer readyFd;

    @Option(
            names = {"-v", "--verbose"},
            description = "log details, and show where errors come from")
    private boolean verbose;

    @Spec private CommandSpec spec = CommandSpec.create();

    boolean verbose() {
        return verbose;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (verbose) {
            LogOutput.setLevel(Level.DEBUG);
        }
        if (addresses.isEmpty() && handler == null) {
            throw new ParameterException(
                    spec.commandLine(), "nothing to serve on: give --listen or --handler");
        }
        if (!addresses.isEmpty() && tokenFile == null) {
            throw new ParameterException(spec.commandLine(), "--listen needs --token-file");
        }
        PageServing.Plan plan =
                new PageServing.Plan(
                        image,
                        layout(),
                        addresses.stream().map(address -> address.resolve(this::tls)).toList(),
                        tokenFile == null ? Token.random() : token(tokenFile),
                        limits(),
                        handler,
                        once);
        try (PageServing serving = PageServing.begin(plan, spec.commandLine().getOut(), ready())) {
            return serving.await();
        }
    }

    private PageServing.Ready ready() {
        Integer number = readyFd;
        return number == null ? text -> {} : new ReadyDescriptor(number);
    }

    private ServerLimits limits() {
        try {
            return new ServerLimits(clients, bulkConnections, opening, silence, compress);
        } catch (IllegalArgumentException e) {
            throw wrong("limits: " + e.getMessage(), e);
        }
    }

    private PageLayout layout() {
        try {
            if (!ranges.isEmpty()) {
                return new PageLayout(ranges);
            }
        } catch (IllegalArgumentException e) {
            throw wrong("--range: " + e.getMessage(), e);
        }
        try {
            return new PageLayout(
                    GuestMemoryMap.plan(Files.size(image)).ranges().stream()
                            .map(range -> new PageLayout.Range(range.gpa(), range.size()))
                            .toList());
        } catch (IOException e) {
            throw PageServing.badImage(image, e);
        } catch (IllegalArgumentException e) {
            throw new CommandException(
                    ExitCode.BAD_IMAGE, "%s: %s".formatted(image, e.getMessage()), e);
        }
    }

    private Token token(Path file) {
        try {
            return Token.parse(Files.readString(file));
        } catch (IOException e) {
            throw wrong("cannot read the token in " + file + ": " + reason(e), e);
        } catch (IllegalArgumentException e) {
            // Not the exception's text: it may show a part of the secret.
            throw wrong(file + " does not hold 16 to 64 bytes in hexadecimal", e);
        }
    }

    private Tls tls() {
        if (tlsKeys == null || tlsPassword == null) {
            throw new ParameterException(
                    spec.commandLine(), "tls: needs --tls-keys and --tls-password-file");
        }
        try {
            String password = Files.readString(tlsPassword).lines().findFirst().orElse("");
            Path trust = tlsTrust == null ? tlsKeys : tlsTrust;
            return Tls.load(tlsKeys, trust, password.toCharArray());
        } catch (IOException e) {
            throw wrong("cannot read the password in " + tlsPassword + ": " + reason(e), e);
        } catch (IllegalArgumentException e) {
            throw wrong(String.valueOf(e.getMessage()), e);
        }
    }

    private static String reason(IOException e) {
        return e.getClass().getSimpleName().replace("Exception", "");
    }

    private static CommandException wrong(String message, Exception cause) {
        return new CommandException(ExitCode.USAGE, message, cause);
    }
}
