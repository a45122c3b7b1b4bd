// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.it.lab.LabKernel;
import io.jvmm.it.lab.LabSettings;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HexFormat;

/**
 * A kernel that annotates missing pages says of every one, and exactly, where it is: by {@code
 * KVM_EXIT_MEMORY_FAULT}, with the page's own address and size, whoever touched it and how.
 *
 * <p>Kernels that do not are found out by one missing page, and skip this; the lab's annotating one
 * may not.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(300)
class MissingPageExitTest {

    /** 64 MiB. */
    private static final int PAGES = 16384;

    private static final int PORT = 0x10;

    /**
     * Visits RCX pages from RBX on, RSI pages further each time, RDX being the mask of page
     * numbers; adds up their first words in RDI; then writes to port 0x10.
     */
    private static final byte[] READER =
            code(
                    "49 89 C0", // 0: mov r8, rax
                    "49 C1 E0 0C", // shl r8, 12
                    "4A 03 3C 03", // add rdi, [rbx + r8]
                    "48 01 F0", // add rax, rsi
                    "48 21 D0", // and rax, rdx
                    "48 FF C9", // dec rcx
                    "75 EA", // jnz 0
                    "E6 10"); // out 0x10, al

    /** As the reader, but adds each page's number to its first word. */
    private static final byte[] WRITER =
            code(
                    "49 89 C0", // 0: mov r8, rax
                    "49 C1 E0 0C", // shl r8, 12
                    "4A 01 04 03", // add [rbx + r8], rax
                    "48 01 F0", // add rax, rsi
                    "48 21 D0", // and rax, rdx
                    "48 FF C9", // dec rcx
                    "75 EA", // jnz 0
                    "E6 10"); // out 0x10, al

    /** {@code out 0x10, al} as the first word of a page. */
    private static final long OUT = 0x10E6;

    private static byte[] code(String... instructions) {
        return HexFormat.of().parseHex(String.join("", instructions).replace(" ", ""));
    }

    @BeforeAll
    static void onlyWhereMissingPagesAreAnnotated() {
        String seen = whatOneMissingPageGives();
        boolean annotated = seen.isEmpty();
        if (LabKernel.ANNOTATING.label().equals(System.getProperty(LabSettings.KERNEL_PROPERTY))) {
            assertThat(seen).as("the annotating kernel, asked for one page").isEmpty();
        }
        assumeTrue(annotated, "this kernel does not annotate missing pages: " + seen);
    }

    /** Empty if it is an annotated exit, else what it is instead. */
    private static String whatOneMissingPageGives() {
        try (UnservedVm vm = new UnservedVm(1)) {
            vm.load(READER);
            // ring 3 touches memory itself on all hosts; some interpret ring 0
            vm.start(3, 1, 0, 0);
            long result = vm.run();
            int reason = vm.exit().exitReason();
            boolean annotated =
                    Errno.EFAULT.is(result) && reason == KvmConstants.KVM_EXIT_MEMORY_FAULT;
            return annotated ? "" : "KVM_RUN gives %d with exit %d".formatted(result, reason);
        }
    }

    /** Steps are odd, so that every page comes once; all but one make the order look random. */
    @ParameterizedTest(name = "ring {0}, step {1}")
    @CsvSource({"0, 1", "3, 1", "0, 6007", "3, 6007"})
    void everyPageThatIsReadIsNamed(int ring, int step) {
        try (UnservedVm vm = new UnservedVm(PAGES)) {
            vm.load(READER);
            vm.start(ring, PAGES, PAGES - 1, step);

            long expectedSum = 0;
            for (int visit = 0; visit < PAGES; visit++) {
                long page = (long) visit * step & (PAGES - 1);
                long word = page * 0x9E3779B97F4A7C15L;
                assertNamed(vm, page);
                assertThat(vm.bring(page, word)).isEqualTo(UnservedVm.PAGE);
                expectedSum += word;
            }

            assertEnded(vm);
            assertThat(vm.regs().rdi()).isEqualTo(expectedSum);
        }
    }

    @ParameterizedTest(name = "ring {0}, step {1}")
    @CsvSource({"0, 6007", "3, 6007"})
    void everyPageThatIsWrittenIsNamed(int ring, int step) {
        try (UnservedVm vm = new UnservedVm(PAGES)) {
            vm.load(WRITER);
            vm.start(ring, PAGES, PAGES - 1, step);

            for (int visit = 0; visit < PAGES; visit++) {
                long page = (long) visit * step & (PAGES - 1);
                assertNamed(vm, page);
                assertThat(vm.bring(page, ~page)).isEqualTo(UnservedVm.PAGE);
            }

            assertEnded(vm);
            for (long page = 0; page < PAGES; page++) {
                assertThat(vm.firstWord(page)).as("page %d", page).isEqualTo(-1);
            }
        }
    }

    @ParameterizedTest(name = "ring {0}")
    @ValueSource(ints = {0, 3})
    void aPageThatIsExecutedIsNamed(int ring) {
        long page = 7;
        try (UnservedVm vm = new UnservedVm(16)) {
            vm.startIn(ring, page);

            assertNamed(vm, page);
            assertThat(vm.bring(page, OUT)).isEqualTo(UnservedVm.PAGE);
            assertEnded(vm);
        }
    }

    /** Entering again without the page changes nothing, however often. */
    @ParameterizedTest(name = "ring {0}")
    @ValueSource(ints = {0, 3})
    void aPageThatDoesNotComeIsNamedAgain(int ring) {
        try (UnservedVm vm = new UnservedVm(1)) {
            vm.load(READER);
            vm.start(ring, 1, 0, 0);

            for (int attempt = 0; attempt < 100; attempt++) {
                assertNamed(vm, 0);
            }
            assertThat(vm.bring(0, 5)).isEqualTo(UnservedVm.PAGE);
            assertEnded(vm);
            assertThat(vm.regs().rdi()).isEqualTo(5);
        }
    }

    private static void assertNamed(UnservedVm vm, long page) {
        long result = vm.run();
        KvmRun exit = vm.exit();
        assertThat(Errno.of(result)).isEqualTo(Errno.EFAULT);
        assertThat(exit.exitReason()).isEqualTo(KvmConstants.KVM_EXIT_MEMORY_FAULT);
        assertThat(exit.memoryFaultGpa()).isEqualTo(UnservedVm.MISSING + page * UnservedVm.PAGE);
        assertThat(exit.memoryFaultSize()).isEqualTo(UnservedVm.PAGE);
        assertThat(exit.memoryFaultFlags()).isZero();
    }

    private static void assertEnded(UnservedVm vm) {
        assertThat(vm.run()).isZero();
        assertThat(vm.exit().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_IO);
        assertThat(vm.exit().ioPort()).isEqualTo(PORT);
    }
}
