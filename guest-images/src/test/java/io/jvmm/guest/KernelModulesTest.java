// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

class KernelModulesTest {

    @TempDir Path root;

    @Test
    void whatAModuleNeedsComesBeforeIt() throws IOException {
        write("virt/irqbypass.ko", module(""));
        write("arch/kvm.ko", module("irqbypass"));
        write("arch/kvm-amd.ko", module("kvm,ccp"));
        write("crypto/ccp.ko", module(""));
        write("unrelated.ko", module(""));

        Map<String, byte[]> loaded =
                KernelModules.in(root).withDependencies(List.of("kvm-amd", "kvm"));

        assertThat(loaded.keySet()).containsExactly("irqbypass", "kvm", "ccp", "kvm_amd");
    }

    @Test
    void compressedModulesComeOutAsTheyWere() throws IOException {
        byte[] module = module("");
        write("plain.ko", module);
        write("by-xz.ko.xz", xz(module));
        write("by-gzip.ko.gz", gzip(module));

        Map<String, byte[]> loaded =
                KernelModules.in(root).withDependencies(List.of("plain", "by-xz", "by_gzip"));

        assertThat(loaded.values())
                .hasSize(3)
                .allSatisfy(each -> assertThat(each).isEqualTo(module));
    }

    @Test
    void whatIsBuiltInNeedsNoLoading() throws IOException {
        Files.writeString(
                root.resolve("modules.builtin"), "kernel/drivers/virtio/virtio_mmio.ko\n");

        assertThat(KernelModules.in(root).withDependencies(List.of("virtio-mmio"))).isEmpty();
    }

    @Test
    void aMissingModuleIsNamedWithTheOneThatNeedsIt() throws IOException {
        write("a.ko", module("b"));

        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> KernelModules.in(root).withDependencies(List.of("a")))
                .withMessage("the kernel has no module b, needed by [a]");
    }

    @Test
    void aCircleIsRefused() throws IOException {
        write("a.ko", module("b"));
        write("b.ko", module("a"));

        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> KernelModules.in(root).withDependencies(List.of("a")))
                .withMessageContaining("circle");
    }

    @Test
    void whatIsNoModuleIsRefusedAtEveryLength() throws IOException {
        byte[] whole = module("");
        int unread = 64 - 0x28; // fields of the last section header that say nothing of its place
        for (int length = 0; length <= whole.length - unread - 1; length++) {
            byte[] cut = new byte[length];
            System.arraycopy(whole, 0, cut, 0, length);
            write("cut.ko", cut);
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> KernelModules.in(root).withDependencies(List.of("cut")));
        }
    }

    private void write(String path, byte[] content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
    }

    /** The least ELF file that has a {@code .modinfo}: header, contents, three section headers. */
    private static byte[] module(String depends) {
        byte[] information = bytes("license=GPL\0depends=" + depends + "\0name=x\0");
        byte[] names = bytes("\0.modinfo\0.shstrtab\0");
        int tables = 64 + information.length + names.length;
        ByteBuffer file = ByteBuffer.allocate(tables + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0, 0x464C_457F).put(4, (byte) 2).putLong(0x28, tables);
        file.putShort(0x3A, (short) 64).putShort(0x3C, (short) 3).putShort(0x3E, (short) 2);
        file.put(64, information).put(64 + information.length, names);
        section(file, tables + 64, 1, 64, information.length);
        section(file, tables + 128, 10, 64 + information.length, names.length);
        return file.array();
    }

    private static void section(ByteBuffer file, int header, int name, long offset, long size) {
        file.putInt(header, name).putLong(header + 0x18, offset).putLong(header + 0x20, size);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] xz(byte[] content) throws IOException {
        ByteArrayOutputStream stored = new ByteArrayOutputStream();
        try (OutputStream out = new XZOutputStream(stored, new LZMA2Options())) {
            out.write(content);
        }
        return stored.toByteArray();
    }

    private static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream stored = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(stored)) {
            out.write(content);
        }
        return stored.toByteArray();
    }
}
