// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.Priority;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

class PageSourcesTest {

    private static final long PAGE = Pattern.PAGE;

    @TempDir Path folder;

    private final MemorySegment memory = Arena.ofAuto().allocate(64 * PAGE, PAGE);
    private final PageRequest request = new PageRequest(_ -> {});

    private PageRequest fetch(PageSource source, long gpa, int pages) {
        memory.fill((byte) 0x77);
        request.begin(gpa, pages, Priority.URGENT, memory, 0);
        source.fetch(request, 0, pages);
        assertThat(request.isAnswered()).isTrue();
        return request;
    }

    private static MemorySegment image(long gpa, int pages) {
        MemorySegment image = Arena.ofAuto().allocate(pages * PAGE, PAGE);
        Pattern.fill(image, 0, gpa, pages);
        return image;
    }

    @Test
    void memoryHasWhatItHas() {
        MemoryPageSource source = new MemoryPageSource(8 * PAGE, image(8 * PAGE, 4));
        assertThat(source.extent(0, 100)).isEqualTo(-8);
        assertThat(source.extent(0, 5)).isEqualTo(-5);
        assertThat(source.extent(9 * PAGE, 100)).isEqualTo(3);
        assertThat(source.extent(12 * PAGE, 7)).isEqualTo(-7);
        fetch(source, 7 * PAGE, 6);
        assertThat(request.isFailed(0) && request.isFailed(5)).isTrue();
        assertThat(request.failure()).isEqualTo(PageFailure.LOST);
        Pattern.assertAt(memory, PAGE, 8 * PAGE);
        Pattern.assertAt(memory, 4 * PAGE, 11 * PAGE);
    }

    @Test
    void holesOfAFileAreZeroPagesAndTheRestIsRead() throws IOException {
        Path file = folder.resolve("sparse");
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int page : new int[] {0, 10, 11, 40}) {
                ByteBuffer content = image(page * PAGE, 1).asByteBuffer();
                channel.write(content, page * PAGE);
            }
            channel.write(ByteBuffer.wrap(new byte[] {1}), 64 * PAGE - 1);
        }
        try (Fd fd = Fd.open(file.toString(), Fd.O_RDONLY)) {
            FilePageSource source =
                    new FilePageSource(fd, List.of(new FilePageSource.Part(0, 0, 64 * PAGE)));
            fetch(source, 0, 64);
            assertThat(request.isComplete()).isTrue();
            int zeros = 0;
            for (int page = 0; page < 63; page++) {
                if (page == 0 || page == 10 || page == 11 || page == 40) {
                    Pattern.assertAt(memory, page * PAGE, page * PAGE);
                } else if (request.isZero(page)) {
                    zeros++;
                } else {
                    assertThat(Pattern.isFullOf(memory, page * PAGE, 0)).isTrue();
                }
            }
            // File systems may keep larger pieces than was written, but not all of it.
            assertThat(zeros).isPositive();
        }
    }

    @Test
    void partsOfAFileLieAnywhereInIt() throws IOException {
        Path file = folder.resolve("parts");
        byte[] bytes = new byte[100 + (int) (8 * PAGE)];
        MemorySegment.copy(image(0, 4), 0, MemorySegment.ofArray(bytes), 100, 4 * PAGE);
        MemorySegment.copy(
                image(1L << 32, 4), 0, MemorySegment.ofArray(bytes), 100 + 4 * PAGE, 4 * PAGE);
        Files.write(file, bytes);
        try (Fd fd = Fd.open(file.toString(), Fd.O_RDONLY)) {
            FilePageSource source =
                    new FilePageSource(
                            fd,
                            List.of(
                                    new FilePageSource.Part(0, 100, 4 * PAGE),
                                    new FilePageSource.Part(1L << 32, 100 + 4 * PAGE, 4 * PAGE)));
            fetch(source, (1L << 32) + PAGE, 4);
            Pattern.assertAt(memory, 2 * PAGE, (1L << 32) + 3 * PAGE);
            assertThat(request.isFailed(3)).isTrue();
            fetch(source, 0, 2);
            Pattern.assertAt(memory, PAGE, PAGE);
            assertThat(source.extent(4 * PAGE, 8)).isEqualTo(-8);
            // It gets shorter, which it must not.
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(100 + PAGE);
            }
            fetch(source, 0, 3);
            assertThat(request.isFailed(0)).isFalse();
            assertThat(request.isFailed(1) && request.isFailed(2)).isTrue();
            assertThat(request.failure()).as("it may be there again").isEqualTo(PageFailure.AWAY);
        }
    }

    /** A bad block in the middle of 2 MiB costs one page, not what lies behind it. */
    @Test
    void aPageThatCannotBeReadIsAwayAlone() throws IOException {
        Path file = Files.write(folder.resolve("bad"), new byte[8 * (int) PAGE]);
        long bad = 3 * PAGE;
        try (Fd fd = Fd.open(file.toString(), Fd.O_RDONLY)) {
            FilePageSource.Reads reads =
                    (to, at, length, offset) -> {
                        if (offset == bad) {
                            return -Errno.EIO.number();
                        }
                        long most = offset < bad ? bad - offset : length;
                        return fd.tryRead(to, at, Math.min(most, length), offset);
                    };
            List<FilePageSource.Part> all = List.of(new FilePageSource.Part(0, 0, 8 * PAGE));
            fetch(new FilePageSource(fd, all, reads), 0, 8);
            for (int page = 0; page < 8; page++) {
                assertThat(request.isFailed(page)).as("page %d", page).isEqualTo(page == 3);
            }
            assertThat(request.failure()).isEqualTo(PageFailure.AWAY);
        }
    }

    @Test
    void aSourceMadeFromAPathClosesItsFile() throws IOException {
        Path file = folder.resolve("own");
        Files.write(file, image(0, 4).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
        FilePageSource source =
                new FilePageSource(file, List.of(new FilePageSource.Part(0, 0, 4 * PAGE)));
        fetch(source, 0, 4);
        Pattern.assertAt(memory, 3 * PAGE, 3 * PAGE);
        assertThat(descriptorsOf(file)).isEqualTo(1);
        source.close();
        source.close();
        assertThat(descriptorsOf(file)).isZero();
        assertThat(fetch(source, 0, 4).failure()).isEqualTo(PageFailure.LOST);
    }

    @Test
    void aSourceThatRefusesItsFileClosesIt() throws IOException {
        Path file = Files.write(folder.resolve("refused"), new byte[4095]);
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new FilePageSource(file, List.of(new FilePageSource.Part(0, 0, 4096))));
        assertThat(descriptorsOf(file)).isZero();
    }

    private static boolean isOf(Path descriptor, Path file) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).equals(file);
        } catch (NoSuchFileException e) {
            // Such as that of the look itself.
            return false;
        }
    }

    private static long descriptorsOf(Path file) throws IOException {
        Path real = file.toRealPath();
        long count = 0;
        try (DirectoryStream<Path> descriptors =
                Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                count += isOf(descriptor, real) ? 1 : 0;
            }
        }
        return count;
    }

    @Test
    void aFileThatIsTooShortIsRefused() throws IOException {
        Path file = Files.write(folder.resolve("short"), new byte[4095]);
        try (Fd fd = Fd.open(file.toString(), Fd.O_RDONLY)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() ->
                            new FilePageSource(fd, List.of(new FilePageSource.Part(0, 0, 4096))));
        }
    }

    @Test
    void ofSourcesOneAboveTheOtherTheFirstThatHasAPageBringsIt() {
        PageSource upper = new MemoryPageSource(2 * PAGE, image(2 * PAGE, 2));
        PageSource lower = new MemoryPageSource(0, Arena.ofAuto().allocate(6 * PAGE));
        CompositePageSource both = new CompositePageSource(List.of(upper, lower));
        assertThat(both.isSynchronous()).isTrue();
        assertThat(both.extent(6 * PAGE, 3)).isEqualTo(-3);
        fetch(both, 0, 8);
        assertThat(Pattern.isFullOf(memory, PAGE, 0)).isTrue();
        Pattern.assertAt(memory, 2 * PAGE, 2 * PAGE);
        Pattern.assertAt(memory, 3 * PAGE, 3 * PAGE);
        assertThat(Pattern.isFullOf(memory, 4 * PAGE, 0)).isTrue();
        assertThat(request.isFailed(6) && request.isFailed(7)).isTrue();
        CompositePageSource all =
                new CompositePageSource(List.of(upper, lower, new ZeroPageSource()));
        fetch(all, 0, 8);
        assertThat(request.isComplete()).isTrue();
        assertThat(request.isZero(7)).isTrue();
        all.close();
    }

    @Test
    void whatLiesInMemoryIsToldWhereItLies() {
        MemorySegment image = image(8 * PAGE, 4);
        PageSource upper = new MemoryPageSource(8 * PAGE, image);
        assertThat(upper.resident(8 * PAGE, 4)).isSameAs(image);
        assertThat(upper.residentOffset(9 * PAGE)).isEqualTo(PAGE);
        assertThat(upper.resident(8 * PAGE, 5)).isNull();
        assertThat(upper.resident(7 * PAGE, 2)).isNull();
        MemorySegment onHeap = MemorySegment.ofArray(new byte[(int) PAGE]);
        assertThat(new MemoryPageSource(0, onHeap).resident(0, 1)).isNull();
        MemorySegment below = Arena.ofAuto().allocate(10 * PAGE);
        PageSource both =
                new CompositePageSource(
                        List.of(upper, new MemoryPageSource(0, below), new ZeroPageSource()));
        assertThat(both.resident(8 * PAGE, 4)).isSameAs(image);
        assertThat(both.residentOffset(10 * PAGE)).isEqualTo(2 * PAGE);
        assertThat(both.resident(6 * PAGE, 2)).isSameAs(below);
        assertThat(both.residentOffset(6 * PAGE)).isEqualTo(6 * PAGE);
        assertThat(both.resident(6 * PAGE, 3)).as("of two layers").isNull();
        assertThat(both.resident(20 * PAGE, 1)).as("made up").isNull();
        both.close();
    }
}
