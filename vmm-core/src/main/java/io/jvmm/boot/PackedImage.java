package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.PayloadException;

import java.lang.foreign.MemorySegment;

/** A kernel file that was compressed as a whole, like {@code vmlinux.gz}. */
record PackedImage(ByteSource source, Compression compression) implements KernelImage {

    /**
     * Unpacks the file.
     *
     * @param limit the largest content accepted, in bytes
     * @throws BootException if it is corrupt, unpacks to more than the limit, or holds no kernel
     */
    KernelImage unpack(int limit) {
        MemorySegment content;
        try {
            content = compression.unpack(source.stream(0, source.size()), 0, limit);
        } catch (PayloadException e) {
            throw new BootException(
                    "Kernel %s is %s data that cannot be unpacked: %s"
                            .formatted(source.name(), compression.label(), e.getMessage()),
                    e);
        }
        String name = source.name() + " (unpacked)";
        KernelImage image = KernelImage.of(name, content);
        if (image instanceof PackedImage) {
            throw new BootException("Kernel " + source.name() + " is compressed more than once");
        }
        return image;
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
