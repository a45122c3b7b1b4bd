// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.kvm.GuestDebug;
import io.jvmm.ffi.kvm.GuestDebug.Access;
import io.jvmm.ffi.kvm.GuestDebug.Breakpoint;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Emulation and debugger share the debug registers of a vCPU. */
class DebugArbiterTest {

    private static final long HANDLER = 0xFFFF_FFFF_8100_0000L;
    private static final int DEBUG = 1;
    private static final int BREAKPOINT = 3;
    private static final long STEPPED = 1 << 14;
    private static final Breakpoint FUNCTION = new Breakpoint(0x1000, Access.EXECUTE, 1);
    private static final Breakpoint VARIABLE = new Breakpoint(0x2000, Access.WRITE, 8);
    private static final VcpuStop STOP = new VcpuStop.SystemEvent(7);

    private final List<GuestDebug> set = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final DebugArbiter arbiter = new DebugArbiter(set::add);
    private final DebugArbiter.Owner emulation = arbiter.emulation();
    private final DebugArbiter.Owner debugger;

    DebugArbiterTest() {
        emulation.answeredBy(() -> {
            asked.add("emulation");
            return null;
        });
        debugger =
                arbiter.claim(() -> {
                    asked.add("debugger");
                    return STOP;
                });
    }

    private static GuestDebug at(Breakpoint... breakpoints) {
        return new GuestDebug(false, false, List.of(breakpoints));
    }

    @Test
    void wishesAreMergedIntoOneSetting() {
        emulation.request(GuestDebug.before(HANDLER));
        debugger.request(at(FUNCTION, VARIABLE));
        emulation.request(GuestDebug.STEP);
        emulation.request(GuestDebug.before(HANDLER));
        Breakpoint own = new Breakpoint(HANDLER, Access.EXECUTE, 1);
        assertThat(set)
                .containsExactly(
                        at(own),
                        at(own, FUNCTION, VARIABLE),
                        new GuestDebug(true, false, List.of(FUNCTION, VARIABLE)),
                        at(own, FUNCTION, VARIABLE));
    }

    @Test
    void whatChangesNothingIsNotSetAgain() {
        emulation.request(GuestDebug.before(HANDLER));
        emulation.request(GuestDebug.before(HANDLER));
        debugger.request(GuestDebug.NONE);
        debugger.request(GuestDebug.before(HANDLER));
        assertThat(set).hasSize(1);
    }

    @Test
    void anExitGoesToTheOneThatAskedForIt() {
        emulation.request(GuestDebug.before(HANDLER));
        debugger.request(at(FUNCTION, VARIABLE));
        assertThat(arbiter.exit(DEBUG, 1)).isNull();
        assertThat(asked).containsExactly("emulation");
        assertThat(arbiter.exit(DEBUG, 1 << 2)).isEqualTo(STOP);
        assertThat(asked).containsExactly("emulation", "debugger");
    }

    @Test
    void theStepOfOneIsNotTheOthers() {
        emulation.request(GuestDebug.STEP);
        debugger.request(at(FUNCTION));
        assertThat(arbiter.exit(DEBUG, STEPPED)).isNull();
        assertThat(asked).containsExactly("emulation");
        debugger.request(new GuestDebug(true, true, List.of()));
        emulation.request(GuestDebug.before(HANDLER));
        assertThat(arbiter.exit(DEBUG, STEPPED)).isEqualTo(STOP);
        assertThat(arbiter.exit(BREAKPOINT, 0)).isEqualTo(STOP);
        assertThat(asked).containsExactly("emulation", "debugger", "debugger");
    }

    @Test
    void anExitThatBothAskedForGoesToBoth() {
        emulation.request(GuestDebug.before(HANDLER));
        debugger.request(GuestDebug.before(HANDLER));
        assertThat(arbiter.exit(DEBUG, 1)).isEqualTo(STOP);
        assertThat(asked).containsExactly("emulation", "debugger");
    }

    @Test
    void anExitWithoutAReasonGoesToThoseThatWantAny() {
        emulation.request(GuestDebug.before(HANDLER));
        assertThat(arbiter.exit(DEBUG, 0)).isNull();
        assertThat(asked).containsExactly("emulation");
    }

    @Test
    void theEmulationKeepsItsRegister() {
        assertThat(debugger.mostBreakpoints()).isEqualTo(3);
        Breakpoint[] many = new Breakpoint[4];
        for (int i = 0; i < many.length; i++) {
            many[i] = new Breakpoint(i, Access.EXECUTE, 1);
        }
        assertThatThrownBy(() -> debugger.request(at(many)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("4 breakpoints; the vCPU has 3 for this");
        assertThatThrownBy(() -> arbiter.claim(() -> null))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatAnOwnerAskedForEndsWithIt() {
        emulation.request(GuestDebug.before(HANDLER));
        debugger.request(at(FUNCTION));
        arbiter.release(debugger);
        assertThat(set.getLast()).isEqualTo(GuestDebug.before(HANDLER));
        arbiter.release(emulation);
        assertThat(set).hasSize(3);
    }
}
