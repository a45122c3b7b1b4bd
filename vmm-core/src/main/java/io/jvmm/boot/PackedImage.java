// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.PayloadException;

import java.lang.foreign.MemorySegment;

/** A kernel file that was compressed as a whole, like {@code vmlinux.gz}. */
record PackedImage(ByteSource source, Compression compression) implements KernelImage {

    /**
     * The kernel in it. An ELF file is unpacked as it is loaded; nothing but what is loaded is
     * kept.
     *
     * @param limit the most bytes that a bzImage in it may have
     * @return the kernel, to be closed after it was loaded
     * @throws BootException if it is corrupt, unpacks to more than the limit, or holds no kernel
     */
    KernelImage unpack(int limit) {
        String name = source.name() + " (unpacked)";
        String subject = "Kernel " + source.name();
        UnpackedSource content =
                new UnpackedSource(name, subject, source, 0, source.size(), compression, -1);
        byte[] head = content.head(FileKind.HEAD);
        if (head.length == 0) {
            throw new BootException(subject + " unpacks to nothing");
        }
        if (Compression.detectFramed(head).isPresent()) {
            throw new BootException(subject + " is compressed more than once");
        }
        return SetupHeader.isPresent(new Bytes(name, head))
                ? KernelImage.of(name, whole(limit))
                : KernelFile.recognise(content);
    }

    private MemorySegment whole(int limit) {
        try {
            return compression.unpack(source.stream(0, source.size()), 0, limit);
        } catch (PayloadException e) {
            throw new BootException(
                    "Kernel %s cannot be unpacked from %s: %s"
                            .formatted(source.name(), compression.label(), e.getMessage()),
                    e);
        }
    }

    @Override
    public boolean isLinux() {
        return true;
    }

    @Override
    public String description() {
        return compression.label() + "-compressed file " + source.name();
    }

    @Override
    public void close() {
        source.close();
    }
}
