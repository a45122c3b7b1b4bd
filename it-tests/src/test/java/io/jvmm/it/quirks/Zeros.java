// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What {@code sha256sum} must say of zeros that {@code dd} brings. */
final class Zeros {

    private Zeros() {}

    /** The digest of this many KiB, in hexadecimal. */
    static String digest(int kibibytes) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] zeros = new byte[1 << 10];
            for (int i = 0; i < kibibytes; i++) {
                sha256.update(zeros);
            }
            return HexFormat.of().formatHex(sha256.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
