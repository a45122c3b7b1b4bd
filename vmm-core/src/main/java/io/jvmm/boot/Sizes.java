// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/** Sizes in messages. */
final class Sizes {

    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    private Sizes() {}

    /** The size in the unit that suits it, like "54.9 MiB"; exact below 64 KiB. */
    static String describe(long bytes) {
        if (bytes < 64 * KIB) {
            return bytes + " bytes";
        }
        long unit = bytes < MIB ? KIB : MIB;
        String name = bytes < MIB ? " KiB" : " MiB";
        long tenths = Math.round(bytes * 10.0 / unit);
        return tenths % 10 == 0 ? tenths / 10 + name : tenths / 10 + "." + tenths % 10 + name;
    }
}
