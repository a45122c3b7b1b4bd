// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.bus.IoDevice;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadEcho;
import io.jvmm.guest.PayloadReport;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The devices that {@link Payload#CHECKSUM} talks to. */
final class ChecksumGuest {

    private static final int PIECES = 5;
    private static final int PIECE_BITS = 22;

    /**
     * What a vCPU has computed.
     *
     * @param rounds modulo 2^22, as is the number of timer interrupts
     */
    record Result(long checksum, int rounds, int ticks) {}

    private final List<List<Integer>> pieces = new ArrayList<>();
    private final CountDownLatch up;
    private final CountDownLatch done;
    private final int vcpus;
    private boolean asked;
    private volatile String trouble = "";
    private volatile boolean goOn = true;

    ChecksumGuest(PayloadVm vm, int vcpus) {
        this.vcpus = vcpus;
        up = new CountDownLatch(vcpus);
        done = new CountDownLatch(vcpus * PIECES);
        vm.ports.attach(Payload.TEST_PORT, 4, new Conversation(), "conversation");
        for (int vcpu = 0; vcpu < vcpus; vcpu++) {
            pieces.add(new ArrayList<>());
            vm.ports.attach(
                    PayloadEcho.PORTS + (long) vcpu * PayloadEcho.PORTS_PER_WORKER,
                    Integer.BYTES,
                    new Echo(),
                    "echo");
        }
    }

    /** Waits until every vCPU computes. */
    boolean awaitUp(long seconds) throws InterruptedException {
        return up.await(seconds, TimeUnit.SECONDS);
    }

    /** Tells all vCPUs that the round they are in is the last. */
    void finish() {
        goOn = false;
    }

    /** Waits until every vCPU has finished. */
    boolean awaitDone(long seconds) throws InterruptedException {
        return done.await(seconds, TimeUnit.SECONDS);
    }

    /** What went wrong in the guest; empty for nothing. */
    String trouble() {
        return trouble;
    }

    /** What a vCPU has computed, after {@link #awaitDone}. */
    synchronized Result result(int vcpu) {
        List<Integer> told = pieces.get(vcpu);
        long checksum = 0;
        for (int i = 0; i < 3; i++) {
            checksum |= (long) told.get(i) << (i * PIECE_BITS);
        }
        return new Result(checksum, told.get(3), told.get(4));
    }

    private final class Conversation implements IoDevice {

        @Override
        public long read(long offset, int size) {
            synchronized (ChecksumGuest.this) {
                if (!asked) {
                    asked = true;
                    return vcpus;
                }
            }
            return goOn ? 1 : 0;
        }

        @Override
        public void write(long offset, int size, long value) {
            PayloadReport report = PayloadReport.decode((int) value);
            switch (report.kind()) {
                case UP -> up.countDown();
                case DONE -> {
                    synchronized (ChecksumGuest.this) {
                        pieces.get(report.worker()).add(report.value());
                    }
                    done.countDown();
                }
                case PROGRESS, EXCEPTION, WRONG -> trouble = report.toString();
            }
        }
    }

    private static final class Echo implements IoDevice {
        private final PayloadEcho register = new PayloadEcho();

        @Override
        public long read(long offset, int size) {
            return Integer.toUnsignedLong(register.read());
        }

        @Override
        public void write(long offset, int size, long value) {
            register.write((int) value);
        }
    }
}
