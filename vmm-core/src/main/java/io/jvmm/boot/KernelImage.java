package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A kernel in a form that can be booted: a bzImage, an ELF file, or one of these compressed.
 *
 * <p>Opening reads and checks the headers only; {@link BootLoader} reads the rest. The file must
 * stay as it is until then: if it shrinks, loading fails; if it changes, the guest gets what was
 * read. Close it when it is loaded. For one thread at a time.
 */
public sealed interface KernelImage extends AutoCloseable permits BzImage, ElfImage, PackedImage {

    /**
     * Opens a kernel file.
     *
     * @throws BootException if it cannot be read or is not a kernel for this machine
     */
    static KernelImage open(Path path) {
        FileSource source = FileSource.open("Kernel", path);
        try {
            return recognise(source);
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /**
     * Takes a kernel that is in memory already.
     *
     * @param name what to call it in messages
     * @param content its bytes; they stay the caller's and must live until it is loaded
     * @throws BootException if it is not a kernel for this machine
     */
    static KernelImage of(String name, MemorySegment content) {
        if (content.byteSize() == 0) {
            throw new BootException("Kernel " + name + " is empty");
        }
        return recognise(new SegmentSource(name, content));
    }

    private static KernelImage recognise(ByteSource source) {
        byte[] head = source.head(FileKind.HEAD);
        Bytes bytes = new Bytes(source.name(), head);
        if (SetupHeader.isPresent(bytes)) {
            return BzImage.parse(source, bytes);
        }
        if (ElfHeader.isX8664(bytes)) {
            return ElfImage.parse(source, "Kernel " + source.name());
        }
        Optional<Compression> compression = Compression.detect(head);
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

    /** Whether it is a Linux, as far as its headers tell, and reads its command line as such. */
    boolean isLinux();

    /** What it is, in a few words for the log. */
    String description();

    @Override
    void close();
}
