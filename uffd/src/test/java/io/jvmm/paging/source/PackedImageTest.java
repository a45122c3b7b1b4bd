// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.Priority;
import io.jvmm.paging.service.PagedGuestMemory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

@Timeout(120)
class PackedImageTest {

    private static final int PAGE = PageRequest.PAGE_BYTES;

    @TempDir Path folder;

    /** Zeros, numbers that repeat, text, noise: page by page. */
    private static byte[] image(int pages) {
        byte[] image = new byte[pages * PAGE];
        Random random = new Random(2);
        for (int page = 0; page < pages; page++) {
            byte[] content = new byte[PAGE];
            switch (page / 3 % 4) {
                case 0 -> {}
                case 1 -> {
                    for (int i = 0; i < PAGE; i++) {
                        content[i] = (byte) (page + i / 100);
                    }
                }
                case 2 -> {
                    for (int i = 0; i < PAGE; i++) {
                        content[i] = (byte) "to be or not to be ".charAt((i * i / 97 + page) % 19);
                    }
                }
                default -> random.nextBytes(content);
            }
            System.arraycopy(content, 0, image, page * PAGE, PAGE);
        }
        return image;
    }

    private Path packed(byte[] image, int chunkBytes) throws IOException {
        Path plain = Files.write(folder.resolve("plain"), image);
        Path packed = folder.resolve("packed");
        PackedImage.pack(plain, packed, chunkBytes);
        return packed;
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 65_536, 2 << 20})
    @RequiresUserfaultfd
    void memoryComesOutAsItWentIn(int chunkBytes) throws IOException {
        byte[] image = image(1023);
        Path packed = packed(image, chunkBytes);
        assertThat(Files.size(packed)).isLessThan(image.length);
        try (Fd file = Fd.open(packed.toString(), Fd.O_RDONLY);
                PagedGuestMemory memory =
                        PagedGuestMemory.of(
                                image.length,
                                false,
                                new PackedPageSource(file, 0),
                                PagingConfig.defaults().withUnit(1, 64))) {
            assertThat(memory.read(1000)).isZero();
            assertThat(memory.read(3)).isZero();
            memory.awaitComplete();
            assertThat(memory.segment().mismatch(MemorySegment.ofArray(image))).isEqualTo(-1);
        }
    }

    /** A block that was put together by hand, after the format's description. */
    @Test
    void blocksAreThoseOfTheFormat() {
        byte[] packed = {0x1F, 'a', 1, 0, 4, (byte) 0x50, 'h', 'e', 'l', 'l', 'o'};
        byte[] target = new byte[29];
        assertThat(Lz4Block.unpack(packed, packed.length, target, 29)).isTrue();
        assertThat(new String(target, US_ASCII)).isEqualTo("a".repeat(24) + "hello");
    }

    @Test
    void whateverIsPackedIsUnpackedAgain() {
        Random random = new Random(8);
        Lz4Block lz4 = new Lz4Block();
        for (int i = 0; i < 3000; i++) {
            byte[] plain = new byte[random.nextInt(5000)];
            int letters = 1 + random.nextInt(1 << random.nextInt(9));
            for (int at = 0; at < plain.length; at++) {
                plain[at] = (byte) random.nextInt(letters);
            }
            byte[] packed = new byte[plain.length + plain.length / 200 + 16];
            int size = lz4.pack(plain, plain.length, packed);
            assertThat(size).isNotNegative();
            byte[] again = new byte[plain.length];
            assertThat(Lz4Block.unpack(packed, size, again, again.length)).isTrue();
            assertThat(again).isEqualTo(plain);
            assertThat(lz4.pack(plain, plain.length, new byte[Math.max(0, size - 1)]))
                    .isEqualTo(size == 0 ? 0 : -1);
        }
    }

    @Test
    void hostileBlocksHurtNobody() {
        Random random = new Random(9);
        byte[] target = new byte[10_000];
        for (int i = 0; i < 200_000; i++) {
            byte[] packed = new byte[random.nextInt(64)];
            random.nextBytes(packed);
            boolean _ = Lz4Block.unpack(packed, packed.length, target, random.nextInt(300));
        }
        for (int at = 300; at < target.length; at++) {
            assertThat(target[at]).as("behind the room that it has").isZero();
        }
        byte[] endless = new byte[1000];
        Arrays.fill(endless, (byte) 255);
        assertThat(Lz4Block.unpack(endless, endless.length, target, 10_000)).isFalse();
    }

    @Test
    void aDamagedHeadIsRefusedAndADamagedChunkIsLost() throws IOException {
        byte[] image = image(64);
        Path packed = packed(image, 16 * PAGE);
        byte[] bytes = Files.readAllBytes(packed);
        int head = PackedImage.HEADER_BYTES + 4 * PackedImage.ENTRY_BYTES;
        for (int at = 0; at < head; at++) {
            if (at >= PackedImage.CHECK_AT + 4 && at < PackedImage.HEADER_BYTES) {
                continue; // of no use
            }
            byte[] damaged = bytes.clone();
            damaged[at] ^= 1;
            Files.write(packed, damaged);
            try (Fd file = Fd.open(packed.toString(), Fd.O_RDONLY)) {
                assertThatThrownBy(() -> new PackedPageSource(file, 0))
                        .as("byte %d", at)
                        .isInstanceOf(IOException.class);
            }
        }
        bytes[head + 100] ^= 1;
        Files.write(packed, bytes);
        MemorySegment target = Arena.ofAuto().allocate(64L * PAGE);
        PageRequest request = new PageRequest(_ -> {});
        request.begin(0, 64, Priority.URGENT, target, 0);
        try (Fd file = Fd.open(packed.toString(), Fd.O_RDONLY)) {
            new PackedPageSource(file, 0).fetch(request, 0, 64);
        }
        assertThat(request.isAnswered()).isTrue();
        assertThat(request.isLost(0) && request.isLost(15)).isTrue();
        assertThat(request.isLost(16) || request.isLost(63)).isFalse();
        Files.write(packed, Arrays.copyOf(bytes, 20));
        try (Fd file = Fd.open(packed.toString(), Fd.O_RDONLY)) {
            assertThatThrownBy(() -> new PackedPageSource(file, 0)).isInstanceOf(IOException.class);
        }
    }
}
