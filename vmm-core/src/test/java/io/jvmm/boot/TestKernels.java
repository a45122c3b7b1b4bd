// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** The kernels, archives and memories that the tests of this package share. */
final class TestKernels {

    /** Where a bzImage built here wants to be. */
    static final long LOAD_ADDRESS = 0x20_0000;

    static final long TEXT = 0x30_0000;
    static final long DATA = 0x40_0000;
    static final long DATA_MEMORY_SIZE = 0x8_0000;
    static final long ELF_ENTRY = TEXT + 0x10;
    static final long PVH_ENTRY = TEXT + 0x20;

    static final byte[] TEXT_CONTENT = noise(30_000, 1);
    static final byte[] DATA_CONTENT = noise(10_000, 2);

    private TestKernels() {}

    static byte[] noise(int size, long seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** A kernel with two segments, the second with zeros behind its bytes, and a PVH entry. */
    static ElfBuilder elf() {
        return new ElfBuilder()
                .load(0xFFFF_FFFF_8030_0000L, TEXT, TEXT_CONTENT, TEXT_CONTENT.length)
                .load(0xFFFF_FFFF_8040_0000L, DATA, DATA_CONTENT, DATA_MEMORY_SIZE)
                .pvhEntry(PVH_ENTRY);
    }

    static BzImageBuilder bzImage() {
        return new BzImageBuilder().payload(Compression.GZIP, elf().build());
    }

    static KernelImage image(byte[] file) {
        return KernelImage.of("test", MemorySegment.ofArray(file));
    }

    static GuestMemory memory(Arena arena, int mib, MemoryRegion... more) {
        List<MemoryRegion> regions = new ArrayList<>(Arrays.asList(more));
        regions.add(new MemoryRegion(0, arena.allocate((long) mib << 20, 4096)));
        return new GuestMemory(regions);
    }

    static BootConfig config(BootEntry entry) {
        return new BootConfig("console=ttyS0 quiet", Optional.empty(), entry, 2);
    }

    static BootConfig config(BootEntry entry, byte[] initrd) {
        Initrd disk = Initrd.of("disk", MemorySegment.ofArray(initrd));
        return new BootConfig("", Optional.of(disk), entry, 1);
    }

    /** A cpio archive with one file of {@code size} bytes. */
    static byte[] cpio(int size) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (CpioArchiveOutputStream out = new CpioArchiveOutputStream(bytes)) {
            CpioArchiveEntry entry = new CpioArchiveEntry("init", size);
            entry.setMode(0100755);
            out.putArchiveEntry(entry);
            out.write(noise(size, 3));
            out.closeArchiveEntry();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
