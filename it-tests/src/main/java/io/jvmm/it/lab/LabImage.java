// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.CpioArchive;
import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;
import io.jvmm.guest.InitramfsBuilder;
import io.jvmm.guest.KernelModules;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The part of the lab that stays the same from start to start: kernel, busybox, the modules of KVM
 * and a Java runtime. It is built once and then taken from the cache.
 *
 * @param kernel the bzImage that the lab boots
 * @param initramfs an uncompressed archive; what a run adds is written behind it
 */
record LabImage(Path kernel, Path initramfs) {

    private static final String INIT = "lab-init.sh";

    /** TCG emulates AMD's virtualisation; the modules it needs come with it. */
    private static final List<String> MODULES = List.of("kvm-amd");

    /** Where the runtime's home is in the lab. */
    static final String JAVA_HOME = "/jre";

    static LabImage build(LabSettings settings, ImageCache cache, DebianPackages packages) {
        LabKernel.Files kernel = settings.kernel().fetch(cache, packages);
        LabRuntime runtime = LabRuntime.ofThisJdk(cache);
        Path busybox = InitramfsBuilder.busybox(packages);
        List<String> inputs = new ArrayList<>();
        inputs.add(init());
        inputs.addAll(kernel.fingerprint());
        inputs.add(ImageCache.sha256(busybox));
        inputs.add(runtime.folder().toString());
        runtime.libraries().forEach(each -> inputs.add(each + ImageCache.sha256(each)));
        Path initramfs =
                cache.entry(
                        "lab/base-" + ImageCache.keyOf(inputs) + ".cpio",
                        target -> write(archive(kernel, busybox, runtime), target));
        return new LabImage(kernel.image(), initramfs);
    }

    private static CpioArchive archive(LabKernel.Files kernel, Path busybox, LabRuntime runtime) {
        InitramfsBuilder builder =
                new InitramfsBuilder()
                        .withBusybox(busybox)
                        .withInit(init())
                        .withText("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
                        .withText("etc/group", "root:x:0:\n")
                        .withText("etc/hosts", "127.0.0.1 localhost\n");
        kernel.modules()
                .ifPresent(folder ->
                        builder.withModules(kernel.release(), KernelModules.in(folder), MODULES));
        CpioArchive archive = builder.archive();
        archive.tree(JAVA_HOME.substring(1), runtime.folder());
        runtime.libraries().forEach(each -> archive.file(each.toString().substring(1), each, 0755));
        return archive;
    }

    private static void write(CpioArchive archive, Path target) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target), 1 << 16)) {
            archive.writeTo(out);
        }
    }

    private static String init() {
        try (InputStream in = LabImage.class.getResourceAsStream(INIT)) {
            if (in == null) {
                throw new AssertionError("the class path lacks " + INIT);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + INIT, e);
        }
    }
}
