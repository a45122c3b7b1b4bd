// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;

import java.util.List;
import java.util.Optional;

/**
 * Says what a file is, for messages about files that are not what they were given for. Knows what
 * people confuse with kernels: archives, disk images, programs, kernels of other machines.
 */
final class FileKind {

    /** How much of the file's beginning is looked at: up to the volume descriptor of an ISO. */
    static final int HEAD = 0x8800;

    /** Where an arm64 or RISC-V {@code Image} has its second magic number. */
    private static final int IMAGE_MAGIC = 0x38;

    private record Signature(int offset, String magic, String kind) {}

    private static final List<Signature> SIGNATURES =
            List.of(
                    new Signature(IMAGE_MAGIC, "ARMd", "a kernel for 64-bit ARM (arm64 Image)"),
                    new Signature(IMAGE_MAGIC, "RSC\u0005", "a kernel for RISC-V (Image)"),
                    new Signature(4, "zimg", "an EFI zboot kernel, which x86 does not use"),
                    new Signature(0, "'\u0005\u0019V", "a U-Boot image"),
                    new Signature(0, "\u00d0\r\u00fe\u00ed", "a flattened device tree or FIT"),
                    new Signature(0, "ANDROID!", "an Android boot image"),
                    new Signature(0, "070701", "a cpio archive (an initramfs)"),
                    new Signature(0, "070702", "a cpio archive (an initramfs)"),
                    new Signature(0, "070707", "a cpio archive in the old portable format"),
                    new Signature(0, "\u00c7q", "a cpio archive in the old binary format"),
                    new Signature(0x8001, "CD001", "an ISO 9660 image (a CD or DVD)"),
                    new Signature(0, "QFI\u00fb", "a qcow2 disk image"),
                    new Signature(0, "KDMV", "a VMDK disk image"),
                    new Signature(0, "vhdxfile", "a VHDX disk image"),
                    new Signature(0x438, "S\u00ef", "an ext2, ext3 or ext4 file system"),
                    new Signature(0, "hsqs", "a squashfs file system"),
                    new Signature(0, "XFSB", "an XFS file system"),
                    new Signature(0, "-rom1fs-", "a romfs file system"),
                    new Signature(0, "E=\u00cd(", "a cramfs file system"),
                    new Signature(0x400, "\u00e2\u00e1\u00f5\u00e0", "an EROFS file system"),
                    new Signature(0x200, "EFI PART", "a disk image with a GPT"),
                    new Signature(0, "!<arch>\ndebian-binary", "a Debian package"),
                    new Signature(0, "!<arch>", "an ar archive"),
                    new Signature(0, "\u00ed\u00ab\u00ee\u00db", "an RPM package"),
                    new Signature(257, "ustar", "a tar archive"),
                    new Signature(0, "PK\u0003\u0004", "a ZIP archive"),
                    new Signature(0, "7z\u00bc\u00af'\u001c", "a 7z archive"),
                    new Signature(0, "\u00ca\u00fe\u00ba\u00be", "a Java class"),
                    new Signature(0, "\u00cf\u00fa\u00ed\u00fe", "a program for macOS"),
                    new Signature(0, "%PDF", "a PDF document"),
                    new Signature(0, "#!", "a script"));

    private FileKind() {}

    /** A noun phrase for a file with this beginning, like "a ZIP archive". */
    static String of(byte[] head) {
        Bytes bytes = new Bytes("", head);
        if (bytes.has(0, ElfHeader.MAGIC)) {
            return ElfHeader.describe(bytes);
        }
        if (SetupHeader.isPresent(bytes)) {
            return "a Linux kernel (bzImage)";
        }
        for (Signature signature : SIGNATURES) {
            if (bytes.has(signature.offset(), signature.magic())) {
                return signature.kind();
            }
        }
        if (bytes.has(0, "MZ")) {
            return portableExecutable(bytes);
        }
        Optional<Compression> compression = Compression.detectFramed(head);
        if (compression.isPresent()) {
            return compression.get().label() + " data";
        }
        if (bytes.has(510, "U\u00aa")) {
            return "a disk image with a boot sector";
        }
        return plain(bytes);
    }

    private static String portableExecutable(Bytes bytes) {
        long header = bytes.size() >= 0x40 ? bytes.u32(0x3C) : 0;
        if (header > bytes.size() - 0x18 || !bytes.has((int) header, "PE\0\0")) {
            return "a DOS program";
        }
        int machine = bytes.u16((int) header + 4);
        String target =
                switch (machine) {
                    case 0x8664 -> "x86-64";
                    case 0x014C -> "32-bit x86";
                    case 0xAA64 -> "64-bit ARM";
                    case 0x01C0, 0x01C2 -> "32-bit ARM";
                    case 0x5032, 0x5064 -> "RISC-V";
                    case 0x6232, 0x6264 -> "LoongArch";
                    default -> "machine 0x%x".formatted(machine);
                };
        return "an EFI or Windows program for " + target;
    }

    private static String plain(Bytes bytes) {
        int text = 0;
        int zero = 0;
        for (int i = 0; i < bytes.size(); i++) {
            int value = bytes.u8(i);
            if (value == 0) {
                zero++;
            } else if (value == '\n' || value == '\r' || value == '\t' || value >= ' ') {
                text++;
            }
        }
        if (zero == bytes.size()) {
            return "nothing but zero bytes";
        }
        if (text == bytes.size() && bytes.text(0, 16).length() >= Math.min(8, bytes.size())) {
            return "a text file";
        }
        return "data of no known kind";
    }
}
