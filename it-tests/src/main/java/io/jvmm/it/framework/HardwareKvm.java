// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.framework;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Tells whether this machine's KVM stands on the processor's own virtualisation. */
public final class HardwareKvm {

    private static final Pattern FLAG = Pattern.compile("\\b(svm|vmx)\\b");

    private HardwareKvm() {}

    /**
     * Whether there is a {@code /dev/kvm} and a processor with SVM or VMX. Without these two a KVM
     * can be there that interprets a guest kernel's code, too slowly and not completely enough for
     * a stock Linux; such tests run in the lab.
     */
    public static boolean isHere() {
        try {
            return Files.exists(Path.of("/dev/kvm"))
                    && FLAG.matcher(Files.readString(Path.of("/proc/cpuinfo"))).find();
        } catch (IOException e) {
            return false;
        }
    }
}
