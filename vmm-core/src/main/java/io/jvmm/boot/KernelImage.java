// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A kernel in a form that can be booted: a bzImage, an ELF file, or one of these compressed.
 *
 * <p>Opening reads and checks the headers only; {@link BootLoader} reads the rest, as often as it
 * is asked to. The file may be deleted or replaced meanwhile, but must stay as it is itself: if it
 * shrinks, loading fails; if it changes, the guest gets what was read. For one thread at a time.
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
            return KernelFile.recognise(source);
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
        return KernelFile.recognise(new SegmentSource(name, content));
    }

    /** Whether it is a Linux, as far as its headers tell, and reads its command line as such. */
    boolean isLinux();

    /** What it is, in a few words for the log. */
    String description();

    @Override
    void close();
}
