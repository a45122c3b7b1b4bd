// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import io.jvmm.guest.Payload;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Bare-metal guests as files, for the command's {@code --kernel}. */
final class GuestFiles {

    private GuestFiles() {}

    static String write(Path folder, Payload payload) {
        return write(folder, payload.fileName(), payload.bytes());
    }

    static String write(Path folder, SerialGuest guest) {
        return write(folder, guest.name(), guest.elf());
    }

    static String write(Path folder, String name, byte[] content) {
        try {
            return Files.write(folder.resolve(name), content).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
