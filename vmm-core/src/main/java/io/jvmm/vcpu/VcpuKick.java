// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.Signals;

/**
 * The kicks of one vCPU. Whoever wants something of the thread notes what it wants, then {@link
 * #send}s; the thread {@link #clear}s, then looks what is wanted, then enters the guest. Whatever
 * the order of these steps, either the thread sees the wish, or the entry ends with {@code EINTR}.
 */
public abstract sealed class VcpuKick {

    final KvmVcpu vcpu;
    final Kick signal;

    private int other;
    private volatile int thread;

    private VcpuKick(KvmVcpu vcpu, Kick signal) {
        this.vcpu = vcpu;
        this.signal = signal;
    }

    /** Makes the calling thread the one that is kicked. Before its first entry. */
    public final void prepare() {
        thread = NativeThread.id();
        if (other != 0) {
            Signals.block(other);
        }
        openSignal();
    }

    /**
     * Has another signal reach {@code KVM_RUN} and nothing else of the thread, as one that is no
     * kick. Before {@link #prepare}.
     */
    final void alsoOpen(int signalNumber) {
        other = signalNumber;
    }

    final long alsoOpen() {
        return other == 0 ? 0 : Signals.bit(other);
    }

    /** Opens signals inside {@code KVM_RUN} that are blocked in the thread. */
    final void openInside(long signals) {
        vcpu.setSignalMask(Signals.blocked() & ~signals);
    }

    /** The kernel's number of the thread that is kicked; 0 before {@link #prepare}. */
    public final int threadId() {
        return thread;
    }

    /**
     * Gets the thread out of the guest, or keeps it from entering. Any thread may call it. Neither
     * waits nor sends again: a thread that does not answer one kick does not answer two.
     */
    public abstract void send();

    /** Whether a kick has come and was not taken back. By the thread itself. */
    public abstract boolean isPending();

    /** Takes all kicks back that have come so far. By the thread itself. */
    public abstract void clear();

    /**
     * Makes the next entry complete what the last exit began and come back without running the
     * guest. By the thread itself, which clears afterwards.
     */
    public abstract void sendToSelf();

    abstract void openSignal();

    /** {@link KickStrategy#IMMEDIATE_EXIT}. */
    static final class ByFlag extends VcpuKick {

        ByFlag(KvmVcpu vcpu, Kick signal) {
            super(vcpu, signal);
        }

        @Override
        void openSignal() {
            // The mask is inherited from whoever started the process.
            Signals.unblock(signal.signal());
            if (alsoOpen() != 0) {
                openInside(alsoOpen());
            }
        }

        @Override
        public boolean isPending() {
            return vcpu.page().exitRequested();
        }

        @Override
        public void send() {
            vcpu.page().requestExit();
            signal.trySend(threadId());
        }

        @Override
        public void clear() {
            vcpu.page().clearExitRequest();
        }

        @Override
        public void sendToSelf() {
            vcpu.page().requestExit();
        }
    }

    /** {@link KickStrategy#SIGNAL_MASK}. */
    static final class ByMask extends VcpuKick {

        /** For the thread outside of the guest, where its signals wait. */
        private volatile boolean sent;

        ByMask(KvmVcpu vcpu, Kick signal) {
            super(vcpu, signal);
        }

        @Override
        void openSignal() {
            Signals.block(signal.signal());
            openInside(alsoOpen() | Signals.bit(signal.signal()));
        }

        @Override
        public boolean isPending() {
            return sent;
        }

        @Override
        public void send() {
            sent = true;
            signal.trySend(threadId());
        }

        /** Real-time signals queue, others do not; so as often as there is one. */
        @Override
        public void clear() {
            sent = false;
            boolean taken;
            do {
                taken = Signals.takePending(signal.signal());
            } while (taken);
        }

        @Override
        public void sendToSelf() {
            sent = true;
            signal.trySend(threadId());
        }
    }
}
