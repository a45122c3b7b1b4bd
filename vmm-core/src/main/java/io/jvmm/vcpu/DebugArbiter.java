// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.emulation.DebugRequests;
import io.jvmm.ffi.kvm.GuestDebug;
import io.jvmm.ffi.kvm.GuestDebug.Breakpoint;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The only user of {@code KVM_SET_GUEST_DEBUG} and {@code KVM_EXIT_DEBUG} of one vCPU. Each owner
 * says where it wants exits; their wishes are merged into one, and an exit goes to those that asked
 * for it. The emulation is always an owner and has one debug register for itself; the others are
 * for a debugger.
 *
 * <p>Belongs to the vCPU's thread.
 */
public final class DebugArbiter {

    private static final int BREAKPOINT_EXCEPTION = 3;

    /** Of the debug status: a single step; the lowest bits are those of the debug registers. */
    private static final long SINGLE_STEP = 1 << 14;

    /** Answers an exit on the vCPU's thread; returns null if the guest can go on. */
    @FunctionalInterface
    public interface Handler {
        @Nullable VcpuStop debugExit();
    }

    /** Asks for exits, and answers them. */
    public final class Owner implements DebugRequests {

        private final int most;
        private GuestDebug wanted = GuestDebug.NONE;
        private Handler handler = () -> null;

        private Owner(int most) {
            this.most = most;
        }

        /** Breakpoints that this owner may have at a time. */
        public int mostBreakpoints() {
            return most;
        }

        void answeredBy(Handler answers) {
            handler = answers;
        }

        /**
         * From now on the vCPU leaves the guest there for this owner's sake.
         *
         * @throws IllegalArgumentException if there are more breakpoints than this owner may have
         */
        @Override
        public void request(GuestDebug where) {
            if (where.breakpoints().size() > most) {
                throw new IllegalArgumentException(
                        "%d breakpoints; the vCPU has %d for this"
                                .formatted(where.breakpoints().size(), most));
            }
            wanted = where;
            merge();
        }

        private boolean hasAskedFor(int exception, long status) {
            if (exception == BREAKPOINT_EXCEPTION) {
                return wanted.softwareBreakpoints();
            }
            boolean stepped = wanted.step() && (status & SINGLE_STEP) != 0;
            return stepped || wanted.breakpoints().stream().anyMatch(own -> isHit(own, status));
        }
    }

    private final Consumer<GuestDebug> kvm;
    private final List<Owner> owners = new ArrayList<>();
    private final Owner emulation = new Owner(1);
    private GuestDebug merged = GuestDebug.NONE;

    /**
     * @param kvm sets where the vCPU leaves the guest
     */
    public DebugArbiter(Consumer<GuestDebug> kvm) {
        this.kvm = kvm;
        owners.add(emulation);
    }

    /** What completes instructions that the host lacks. */
    public Owner emulation() {
        return emulation;
    }

    /**
     * A further owner, which shares the vCPU with the emulation.
     *
     * @throws IllegalStateException there is one already
     */
    public Owner claim(Handler handler) {
        if (owners.size() > 1) {
            throw new IllegalStateException("this vCPU has a debugger already");
        }
        Owner owner = new Owner(GuestDebug.MOST_BREAKPOINTS - emulation.most);
        owner.answeredBy(handler);
        owners.add(owner);
        return owner;
    }

    /** The end of what {@link #claim} began. */
    public void release(Owner owner) {
        if (owner != emulation && owners.remove(owner)) {
            merge();
        }
    }

    private void merge() {
        Set<Breakpoint> all = new LinkedHashSet<>();
        owners.forEach(owner -> all.addAll(owner.wanted.breakpoints()));
        GuestDebug now =
                new GuestDebug(
                        owners.stream().anyMatch(owner -> owner.wanted.step()),
                        owners.stream().anyMatch(owner -> owner.wanted.softwareBreakpoints()),
                        List.copyOf(all));
        if (!now.equals(merged)) {
            kvm.accept(now);
            merged = now;
        }
    }

    private boolean isHit(Breakpoint breakpoint, long status) {
        int register = merged.breakpoints().indexOf(breakpoint);
        return register >= 0 && (status >>> register & 1) != 0;
    }

    /**
     * Answers an exit for {@code KVM_EXIT_DEBUG}. One that KVM gives no reason for is everybody's
     * who has asked for any.
     *
     * @param exception the guest's exception of which KVM made the exit
     * @param status as in DR6
     * @return null if the guest can go on
     */
    @Nullable VcpuStop exit(int exception, long status) {
        List<Owner> asked =
                owners.stream().filter(owner -> owner.hasAskedFor(exception, status)).toList();
        if (asked.isEmpty()) {
            asked = owners.stream().filter(owner -> !owner.wanted.equals(GuestDebug.NONE)).toList();
        }
        VcpuStop first = null;
        for (Owner owner : asked) {
            VcpuStop stop = owner.handler.debugExit();
            first = first == null ? stop : first;
        }
        return first;
    }
}
