// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A machine with hardware-style KVM on any host: QEMU's TCG emulates an AMD processor with nested
 * paging, a {@link LabKernel} boots on it, and its {@code kvm_amd} is what users have.
 *
 * <p>The lab has no disk and no network. Files go in as its initramfs; results come out over a
 * second serial port. Every run starts a new one, and none outlives the call that started it, nor
 * this process if that is ended in an orderly way; one that is left behind ends at its deadline.
 */
public final class Lab {

    /** Beyond a task's own deadline, which the lab itself keeps and explains better. */
    private static final Duration GRACE = Duration.ofSeconds(30);

    /** On a busy host the first timer interrupt comes later than a kernel has patience for. */
    private static final String PATIENCE = "no_timer_check";

    /**
     * On a busy host the emulated timers come late, and a watchdog that compares clocks by them
     * takes the processor's counter for unstable. KVM then moves the counters of its guests each
     * time that a vCPU is loaded, whatever offset they were given.
     */
    private static final String TRUSTED_COUNTER = "tsc=reliable";

    private static final Duration ORDERLY_END = Duration.ofSeconds(5);

    private final LabSettings settings;
    private final LabEmulator emulator;
    private final LabImage image;

    /** A lab of parts that are at hand. */
    Lab(LabSettings settings, LabEmulator emulator, LabImage image) {
        this.settings = settings;
        this.emulator = emulator;
        this.image = image;
    }

    /**
     * Makes sure that all parts of the lab are at hand; fetches and builds what is not.
     *
     * @throws LabException or {@link io.jvmm.guest.ImageException} with the reason if it cannot be
     *     built
     */
    public static Lab prepare(LabSettings settings) {
        ImageCache cache = ImageCache.ofUser();
        DebianPackages packages = new DebianPackages(cache);
        LabEmulator emulator = LabEmulator.find(packages);
        return new Lab(settings, emulator, LabImage.build(settings, cache, packages));
    }

    /** What machine it is. */
    LabSettings settings() {
        return settings;
    }

    /**
     * Runs a task to its end.
     *
     * @param folder for results and for what the run needs itself
     * @throws LabException if the lab does not start, or ends without the command's exit code
     */
    LabOutcome run(LabTask task, LabConsole console, LabFolder folder) {
        Path initramfs = folder.resolve("initramfs");
        Path channel = folder.resolve("results.tar");
        try {
            writeInitramfs(task, initramfs);
            Process machine = console.start(new ProcessBuilder(command(initramfs, channel)));
            Thread hook = Thread.ofPlatform().unstarted(() -> end(machine));
            Runtime.getRuntime().addShutdownHook(hook);
            try {
                await(machine, task, console);
            } finally {
                end(machine);
                Runtime.getRuntime().removeShutdownHook(hook);
            }
            return LabResults.unpack(channel, folder.resolve("results"), console);
        } catch (IOException e) {
            throw new LabException(
                    "cannot run the lab in " + folder.path() + ": " + e.getMessage(), e);
        } finally {
            delete(initramfs);
            delete(channel);
        }
    }

    private List<String> command(Path initramfs, Path channel) {
        List<String> command = new ArrayList<>(emulator.command());
        command.addAll(
                List.of(
                        "-machine",
                        "q35",
                        // one thread for all CPUs: with one each, a kernel that patches its own
                        // code dies
                        "-accel",
                        "tcg,thread=single",
                        // without what makes Linux copy and clear memory a byte at a time, which
                        // takes the emulator six times as long as eight
                        "-cpu",
                        "max,-erms,-fsrm,-fsrs",
                        "-smp",
                        Integer.toString(settings.cpus()),
                        "-m",
                        Integer.toString(settings.memoryMib()),
                        "-nodefaults",
                        "-no-user-config",
                        "-display",
                        "none",
                        "-no-reboot",
                        // signal=off: Ctrl-C is for the lab's own terminal
                        "-chardev",
                        "stdio,id=console,signal=off",
                        "-serial",
                        "chardev:console",
                        "-serial",
                        "file:" + channel,
                        "-kernel",
                        image.kernel().toString(),
                        "-initrd",
                        initramfs.toString(),
                        "-append",
                        "console=ttyS0 panic=-1 quiet " + PATIENCE + " " + TRUSTED_COUNTER));
        return command;
    }

    private void writeInitramfs(LabTask task, Path target) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target), 1 << 16);
                InputStream base = Files.newInputStream(image.initramfs())) {
            base.transferTo(out);
            task.archive().writeTo(out);
        }
    }

    private static void await(Process machine, LabTask task, LabConsole console) {
        try {
            if (task.deadline().isEmpty()) {
                machine.waitFor();
            } else {
                Duration limit = task.deadline().get().plus(GRACE);
                if (!machine.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new LabException(
                            "the lab did not end within %d s; its console ends with:%n%s"
                                    .formatted(limit.toSeconds(), console.tail()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while the lab ran", e);
        }
        if (machine.exitValue() != 0) {
            throw new LabException(
                    "the lab's QEMU ended with exit code %d:%n%s"
                            .formatted(machine.exitValue(), console.tail()));
        }
    }

    /**
     * Ends the machine if it still runs; asks first, so that it gives the terminal back as it was.
     */
    private static void end(Process machine) {
        machine.destroy();
        boolean ended = false;
        try {
            ended = machine.waitFor(ORDERLY_END.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (!ended) {
                machine.destroyForcibly();
            }
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new LabException("cannot remove " + file, e);
        }
    }
}
