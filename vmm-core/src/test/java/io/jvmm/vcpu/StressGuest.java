// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadEcho;
import io.jvmm.guest.PayloadPages;
import io.jvmm.guest.PayloadReport;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The devices that {@link Payload#STRESS} talks to: gives it its roles, echoes, and collects what
 * the vCPUs report.
 */
final class StressGuest {

    /** The role in which a vCPU checks its pages again and again. */
    static final int ROLE_PAGES = 5;

    static final int FIRST_PAGE = (32 << 20) / PayloadPages.PAGE_SIZE;
    static final int PAGES_PER_VCPU = 64;

    private final Queue<Integer> parameters = new ConcurrentLinkedQueue<>();
    private final Queue<PayloadReport> failures = new ConcurrentLinkedQueue<>();
    private final AtomicLongArray rounds;

    /** Prepares memory and buses for vCPUs of these roles. */
    StressGuest(PayloadVm vm, int... roles) {
        rounds = new AtomicLongArray(roles.length);
        parameters.add(roles.length);
        for (int role : roles) {
            parameters.add(role);
        }
        parameters.add(FIRST_PAGE);
        parameters.add(PAGES_PER_VCPU);
        for (int page = 0; page < PAGES_PER_VCPU * roles.length; page++) {
            long gpa = (long) (FIRST_PAGE + page) * PayloadPages.PAGE_SIZE;
            MemorySegment memory = vm.memory.segment().asSlice(gpa, PayloadPages.PAGE_SIZE);
            PayloadPages.fill(memory.asByteBuffer(), gpa);
        }
        vm.ports.attach(Payload.TEST_PORT, 4, new Conversation(), "conversation");
        for (int vcpu = 0; vcpu < roles.length; vcpu++) {
            echo(vm.ports, PayloadEcho.PORTS + (long) vcpu * PayloadEcho.PORTS_PER_WORKER);
            echo(vm.mmio, PayloadEcho.MMIO + (long) vcpu * PayloadEcho.MMIO_PER_WORKER);
        }
    }

    private static void echo(Bus bus, long address) {
        PayloadEcho register = new PayloadEcho();
        bus.attach(
                address,
                Integer.BYTES,
                new IoDevice() {
                    @Override
                    public long read(long offset, int size) {
                        return Integer.toUnsignedLong(register.read());
                    }

                    @Override
                    public void write(long offset, int size, long value) {
                        register.write((int) value);
                    }
                },
                "echo");
    }

    /** What vCPUs found wrong so far. */
    List<PayloadReport> failures() {
        return new ArrayList<>(failures);
    }

    /** The fewest rounds that any vCPU has completed. */
    long rounds() {
        long fewest = Long.MAX_VALUE;
        for (int vcpu = 0; vcpu < rounds.length(); vcpu++) {
            fewest = Math.min(fewest, rounds.get(vcpu));
        }
        return fewest;
    }

    /** Waits until every vCPU has completed some rounds; gives up when something goes wrong. */
    void awaitRounds(long atLeast, Collection<String> trouble) {
        while (rounds() < atLeast && failures.isEmpty()) {
            assertThat(trouble).isEmpty();
            LockSupport.parkNanos(1_000_000);
        }
    }

    private final class Conversation implements IoDevice {

        @Override
        public long read(long offset, int size) {
            Integer next = parameters.poll();
            return next == null ? 0 : Integer.toUnsignedLong(next);
        }

        @Override
        public void write(long offset, int size, long value) {
            PayloadReport report = PayloadReport.decode((int) value);
            if (report.isFailure()) {
                failures.add(report);
            } else if (report.kind() == PayloadReport.Kind.PROGRESS) {
                rounds.incrementAndGet(report.worker());
            }
        }
    }
}
