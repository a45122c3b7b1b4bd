// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(30)
class ImageCacheTest {

    @TempDir Path root;

    @Test
    void anEntryIsMadeOnceHoweverManyAsk() throws Exception {
        AtomicInteger made = new AtomicInteger();
        List<Future<Path>> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (int i = 0; i < 8; i++) {
                answers.add(
                        threads.submit(() ->
                                new ImageCache(root)
                                        .entry(
                                                "things/one",
                                                target ->
                                                        Files.writeString(
                                                                target,
                                                                "" + made.incrementAndGet()))));
            }
        }

        for (Future<Path> answer : answers) {
            assertThat(answer.get()).hasContent("1");
        }
    }

    @Test
    void whatFailsHalfWayLeavesNothing() {
        ImageCache cache = new ImageCache(root);

        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() ->
                        cache.entry(
                                "broken",
                                target -> {
                                    Files.createDirectory(target);
                                    Files.writeString(target.resolve("half"), "half");
                                    throw new IOException("no more");
                                }))
                .withMessage("cannot make broken: no more");
        assertThat(root).isDirectoryNotContaining("glob:**broken*");
    }

    @Test
    void oneEntryMayNeedAnother() {
        ImageCache cache = new ImageCache(root);

        Path outer =
                cache.entry(
                        "outer",
                        target ->
                                Files.copy(
                                        cache.entry("inner", it -> Files.writeString(it, "in")),
                                        target));

        assertThat(outer).hasContent("in");
    }

    @Test
    void keysTellPartsApart() {
        assertThat(ImageCache.keyOf(List.of("ab", "c")))
                .hasSize(16)
                .isNotEqualTo(ImageCache.keyOf(List.of("a", "bc")));
    }
}
