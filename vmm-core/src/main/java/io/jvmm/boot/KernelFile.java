// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;

import java.util.Optional;

/** Tells by its first bytes what kind of kernel a file is. */
final class KernelFile {

    private KernelFile() {}

    /**
     * The kernel that a file holds.
     *
     * @throws BootException if it is not a kernel for this machine
     */
    static KernelImage recognise(ByteSource source) {
        byte[] head = source.head(FileKind.HEAD);
        Bytes bytes = new Bytes(source.name(), head);
        if (SetupHeader.isPresent(bytes)) {
            return BzImage.parse(source, bytes);
        }
        if (ElfHeader.isForThisMachine(bytes)) {
            return ElfImage.parse(source, "Kernel " + source.name());
        }
        Optional<Compression> compression = Compression.detectFramed(head);
        if (compression.isPresent()) {
            return new PackedImage(source, compression.get());
        }
        throw new BootException(
                "Kernel %s is not a kernel for x86-64: it is %s%s"
                        .formatted(source.name(), FileKind.of(head), remedy(bytes)));
    }

    private static String remedy(Bytes bytes) {
        if (bytes.has(0, "07070")) {
            return "; give it as the initrd";
        }
        if (bytes.has(0, "MZ") && FileKind.of(bytes.array()).endsWith("for x86-64")) {
            return "; if it is a unified kernel image, take the kernel out with "
                    + "'objcopy -O binary -j .linux'";
        }
        return "";
    }
}
