// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.paging.wire.PeerAddress;
import io.jvmm.paging.wire.Tls;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.Path;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a page server listens, as users type it. */
sealed interface ListenAddress {

    /** {@code unix:PATH}. */
    record Unix(Path path) implements ListenAddress {}

    /** {@code tcp:HOST:PORT}. */
    record Tcp(String host, int port) implements ListenAddress {}

    /** {@code tls:HOST:PORT}. */
    record OverTls(String host, int port) implements ListenAddress {}

    /**
     * @param tls asked for by TLS alone
     */
    default PeerAddress resolve(Supplier<Tls> tls) {
        return switch (this) {
            case Unix unix -> PeerAddress.unix(unix.path());
            case Tcp tcp -> PeerAddress.tcp(tcp.host(), tcp.port());
            case OverTls over -> PeerAddress.tls(over.host(), over.port(), tls.get());
        };
    }

    /** Reads addresses. */
    final class Converter implements ITypeConverter<ListenAddress> {

        private static final Pattern TCP = Pattern.compile("(tcp|tls):(.+):([0-9]{1,5})");
        private static final String UNIX = "unix:";
        private static final int MOST = 65_535;

        @Override
        public ListenAddress convert(String text) {
            if (text.startsWith(UNIX) && text.length() > UNIX.length()) {
                return new Unix(Path.of(text.substring(UNIX.length())));
            }
            Matcher tcp = TCP.matcher(text);
            if (tcp.matches() && Integer.parseInt(tcp.group(3)) <= MOST) {
                int port = Integer.parseInt(tcp.group(3));
                return tcp.group(1).equals("tcp")
                        ? new Tcp(tcp.group(2), port)
                        : new OverTls(tcp.group(2), port);
            }
            throw new TypeConversionException(
                    "'%s' is none of unix:PATH, tcp:HOST:PORT, tls:HOST:PORT".formatted(text));
        }
    }
}
