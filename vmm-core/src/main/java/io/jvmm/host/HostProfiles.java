// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.kvm.Kvm;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * The host's profile, measured at first use and kept until the host boots again.
 *
 * <p>A kept profile counts only for the boot, the kernel and the {@code /dev/kvm} that it was
 * measured on: KVM's modules can be loaded anew with other parameters, and that makes the device
 * anew. Files are written whole under another name and then renamed, so that processes may do so at
 * once; one that is damaged, or of another version of this class, is measured again. A folder that
 * cannot be written to costs time, and nothing else.
 *
 * <p>Safe for use by several threads and processes.
 */
public final class HostProfiles {

    private static final Logger LOG = LoggerFactory.getLogger(HostProfiles.class);
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path KERNEL = Path.of("/proc/sys/kernel/osrelease");
    private static final Path DEVICE = Path.of("/dev/kvm");
    private static final String FILE = "profile";

    private final Path folder;

    /** Profiles that are kept in a folder, which is created when first needed. */
    public HostProfiles(Path folder) {
        this.folder = folder;
    }

    /**
     * The profile of this host.
     *
     * @throws io.jvmm.ffi.linux.KernelException there is no KVM here, or it cannot run anything
     */
    public HostProfile get() {
        String identity = identity();
        Optional<HostProfile> kept = kept(identity);
        return kept.isPresent() ? kept.get() : measureAndKeep(identity);
    }

    /** As {@link #get}, but measured again. */
    public HostProfile measure() {
        return measureAndKeep(identity());
    }

    /**
     * What to do for a Linux guest on this host. Where ring 0 runs natively that takes a few
     * milliseconds: the whole profile is measured only where it does not.
     *
     * @throws io.jvmm.ffi.linux.KernelException there is no KVM here, or it cannot run anything
     */
    public HostQuirks quirks() {
        Optional<HostProfile> kept = kept(identity());
        if (kept.isPresent()) {
            return HostQuirks.of(kept.get());
        }
        try (Kvm kvm = Kvm.open();
                HostProbe probe = new HostProbe(kvm)) {
            if (probe.runsRing0()) {
                return HostQuirks.NONE;
            }
        }
        LOG.info("measuring what this host's KVM can do, once until it boots again");
        return HostQuirks.of(measure());
    }

    private HostProfile measureAndKeep(String identity) {
        HostProfile profile;
        try (Kvm kvm = Kvm.open();
                HostProbe probe = new HostProbe(kvm)) {
            profile = probe.measure(read(KERNEL));
        }
        keep(ProfileText.write(identity, profile));
        return profile;
    }

    private Optional<HostProfile> kept(String identity) {
        try {
            return ProfileText.read(identity, Files.readString(folder.resolve(FILE)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private void keep(String text) {
        Path written = null;
        try {
            Files.createDirectories(folder);
            written = Files.createTempFile(folder, FILE, ".new");
            Files.writeString(written, text);
            Files.move(written, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.debug("the host's profile cannot be kept in {}", folder, e);
            discard(written);
        }
    }

    private static void discard(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            LOG.debug("{} stays behind", file, e);
        }
    }

    /** Changes whenever what was measured may not hold any more. */
    private static String identity() {
        String device;
        try {
            device = Files.getAttribute(DEVICE, "unix:ctime").toString();
        } catch (IOException | UnsupportedOperationException e) {
            device = "none";
        }
        return String.join(" ", read(BOOT_ID), read(KERNEL), device);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "unknown";
        }
    }
}
