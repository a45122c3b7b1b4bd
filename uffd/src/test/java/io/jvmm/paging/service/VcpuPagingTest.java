// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A guest whose memory arrives while it runs computes the right thing. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(180)
class VcpuPagingTest {

    private static final long BYTES = 32 << 20;
    private static final int PAGES = (int) (BYTES / Pattern.PAGE);
    private static final long MULTIPLIER = 5 + 8 * 1001;

    private final PatternSource pattern = new PatternSource(6);

    @ParameterizedTest
    @CsvSource({
        "1, false, false, 1", "1, true, true, 1", "2, false, true, 1", "4, true, false, 1",
        "8, false, true, 1", "8, true, true, 8", "1, false, true, 512", "4, false, false, 512"
    })
    void everyPageIsReadRightAndWritten(int vcpus, boolean shared, boolean random, int unit) {
        RemoteSource source = new RemoteSource(pattern, 2, 0);
        PagingConfig config = PagingConfig.defaults().withSweep(random).withUnit(1, unit);
        try (PagedGuestMemory memory =
                        PagedGuestMemory.unattached(
                                Ring3Guest.BASE, BYTES, shared, source, config);
                Ring3Guest guest = new Ring3Guest(memory.memory)) {
            memory.attach();
            KvmVcpu[] all = new KvmVcpu[vcpus];
            Toucher[] threads = new Toucher[vcpus];
            for (int i = 0; i < vcpus; i++) {
                long first = (long) i * PAGES / vcpus;
                all[i] = guest.vcpu(first, PAGES, random ? MULTIPLIER : 1, 1, PAGES);
                KvmVcpu own = all[i];
                threads[i] = Toucher.start(() -> Ring3Guest.run(own));
            }
            for (Toucher thread : threads) {
                assertThat(thread.result()).isZero();
            }
            for (KvmVcpu vcpu : all) {
                assertThat(Ring3Guest.sum(vcpu)).isEqualTo(expectedSum());
            }
            memory.awaitComplete();
            for (long page = 0; page < PAGES; page++) {
                assertThat(memory.segment().get(JAVA_LONG, page * Pattern.PAGE + 16))
                        .isEqualTo(page);
                long gpa = Ring3Guest.BASE + page * Pattern.PAGE;
                assertThat(memory.segment().get(JAVA_LONG, page * Pattern.PAGE + 4088))
                        .isEqualTo(pattern.isZero(gpa) ? 0 : Pattern.of(gpa));
            }
        }
    }

    private long expectedSum() {
        long sum = 0;
        for (long page = 0; page < PAGES; page++) {
            long gpa = Ring3Guest.BASE + page * Pattern.PAGE;
            sum += pattern.isZero(gpa) ? 0 : Pattern.of(gpa);
        }
        return sum;
    }

    /** What a machine does that is stopped while the network is away. */
    @Test
    void aVcpuThatWaitsIsStoppedAndGoesOnLater() {
        RemoteSource source = new RemoteSource(pattern, 2, 0);
        PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
        try (Kick kick = Kick.install();
                PagedGuestMemory memory =
                        PagedGuestMemory.unattached(Ring3Guest.BASE, BYTES, false, source, config);
                Ring3Guest guest = new Ring3Guest(memory.memory)) {
            memory.attach();
            KvmVcpu vcpu = guest.vcpu(0, PAGES, 1, 1, PAGES);
            for (int round = 0; round < 10; round++) {
                source.cut();
                Toucher runner =
                        Toucher.start(() -> {
                            Signals.unblock(kick.signal());
                            return Ring3Guest.run(vcpu);
                        });
                memory.event(PagingEvent.SourceAway.class::isInstance);
                assertThat(memory.service.isWaiting(runner.threadId())).isTrue();
                vcpu.page().requestExit();
                while (!runner.isDone()) {
                    kick.trySend(runner.threadId());
                    Thread.onSpinWait();
                }
                assertThat(runner.result()).as("interrupted").isNegative();
                vcpu.page().clearExitRequest();
                source.restore(round % 2 == 0);
                // Some pages further, until the next cut.
                memory.event(PagingEvent.SourceBack.class::isInstance);
            }
            Toucher runner = Toucher.start(() -> Ring3Guest.run(vcpu));
            assertThat(runner.result()).isZero();
            assertThat(Ring3Guest.sum(vcpu)).isEqualTo(expectedSum());
        }
    }

    @Test
    void aMachineThatEndsLetsItsVcpusGo() {
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        source.hold(true);
        try (Kick kick = Kick.install();
                PagedGuestMemory memory =
                        PagedGuestMemory.unattached(
                                Ring3Guest.BASE, BYTES, false, source, PagingConfig.defaults());
                Ring3Guest guest = new Ring3Guest(memory.memory)) {
            memory.attach();
            KvmVcpu vcpu = guest.vcpu(0, PAGES, 1, 1, PAGES);
            Toucher runner =
                    Toucher.start(() -> {
                        Signals.unblock(kick.signal());
                        return Ring3Guest.run(vcpu);
                    });
            while (!memory.service.isWaiting(runner.threadId())) {
                Thread.onSpinWait();
            }
            vcpu.page().requestExit();
            memory.service.letGo();
            assertThat(runner.result()).isIn(0L, -4L);
        }
    }
}
