// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * TLS 1.3 with both sides authenticated by certificates. The client also checks that the server's
 * certificate is for the host that it connects to.
 */
public final class Tls {

    private static final String PROTOCOL = "TLSv1.3";
    private static final String PEM = "-----BEGIN ";

    private final SSLContext context;

    private Tls(SSLContext context) {
        this.context = context;
    }

    /**
     * @param context with a key manager and a trust manager: a peer without a certificate that it
     *     trusts is refused
     */
    public static Tls of(SSLContext context) {
        return new Tls(context);
    }

    /**
     * Reads a PKCS 12 file with this side's key and certificate, and the certificates of those it
     * trusts.
     *
     * @throws IllegalArgumentException if the file is not so or the password wrong
     */
    public static Tls load(Path file, char[] password) {
        return load(file, file, password);
    }

    /**
     * Reads this side's key and certificate from one PKCS 12 file, and the certificates of those it
     * trusts from another.
     *
     * <p>A certificate that is not valid at the time of the handshake is refused, also one that is
     * among the trusted ones itself.
     *
     * @param password of both
     * @throws IllegalArgumentException if a file is not so or the password wrong
     */
    public static Tls load(Path keyFile, Path trustFile, char[] password) {
        KeyStore keyStore = read(keyFile, password);
        KeyStore trustStore = read(trustFile, password);
        try {
            KeyManagerFactory keys =
                    KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(keyStore, password);
            TrustManagerFactory trust =
                    TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trustStore);
            SSLContext context = SSLContext.getInstance(PROTOCOL);
            context.init(keys.getKeyManagers(), ValidityCheck.around(trust), null);
            return new Tls(context);
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException(keyFile + ": " + e.getMessage(), e);
        }
    }

    private static KeyStore read(Path file, char[] password) {
        try (var in = new BufferedInputStream(Files.newInputStream(file))) {
            requireNoPem(file, in);
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(in, password);
            return store;
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException(file + " is not there", e);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /** Text where PKCS 12 is due would end as a parser's message about its first byte. */
    private static void requireNoPem(Path file, BufferedInputStream in) throws IOException {
        in.mark(PEM.length());
        String start = new String(in.readNBytes(PEM.length()), StandardCharsets.ISO_8859_1);
        in.reset();
        if (start.equals(PEM)) {
            throw new IllegalArgumentException(
                    file
                            + " is PEM, not PKCS 12; convert it: openssl pkcs12 -export -inkey"
                            + " KEY.pem -in CERTIFICATE.pem -out KEYS.p12, and for certificates to"
                            + " trust: keytool -importcert -storetype PKCS12 -file"
                            + " CERTIFICATE.pem -keystore TRUST.p12");
        }
    }

    /** The client's side of a connection to a host. */
    Link client(Socket tcp, String host) throws IOException {
        SSLSocket tls = layer(tcp, host);
        SSLParameters parameters = tls.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        tls.setSSLParameters(parameters);
        return new TlsLink(tcp, tls);
    }

    /** The server's side of a connection that has come in. */
    Link server(Socket tcp) throws IOException {
        SSLSocket tls = layer(tcp, tcp.getInetAddress().getHostAddress());
        tls.setUseClientMode(false);
        tls.setNeedClientAuth(true);
        return new TlsLink(tcp, tls);
    }

    private SSLSocket layer(Socket tcp, String host) throws IOException {
        SSLSocket tls =
                (SSLSocket) context.getSocketFactory().createSocket(tcp, host, tcp.getPort(), true);
        tls.setEnabledProtocols(new String[] {PROTOCOL});
        return tls;
    }
}
