// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a machine's state consists of, and in which order, is said and not programmed. */
class StateRegistryTest {

    private final StateRegistry registry = new StateRegistry();
    private final List<String> done = new ArrayList<>();

    private StateRegistry.Component<PairState> component(String name, int instance) {
        return registry.component(
                name,
                PairState.CODEC,
                instance,
                () -> {
                    done.add(name);
                    return new PairState(instance, instance);
                });
    }

    @Test
    void componentsAreCapturedAfterThoseThatTheyName() {
        component("a", 0).capturedAfter("c");
        component("b", 1);
        component("c", 2).capturedAfter("d");
        component("d", 3);

        List<Saved> saved = registry.capture();

        assertThat(done).containsExactly("d", "c", "a", "b");
        assertThat(saved).extracting(Saved::instance).containsExactly(3, 2, 0, 1);
    }

    @Test
    void stepsAreTakenAfterThoseThatTheyName() {
        registry.step("controllers", Set.of("counters"), () -> done.add("controllers"));
        registry.step("counters", Set.of("first", "second"), () -> done.add("counters"));
        registry.step("second", Set.of("clock"), () -> done.add("second"));
        registry.step("first", Set.of("clock"), () -> done.add("first"));
        registry.step("clock", Set.of(), () -> done.add("clock"));

        registry.restore(new SavedComponents(List.of()));

        assertThat(done).containsExactly("clock", "first", "second", "counters", "controllers");
    }

    @Test
    void anOrderThatCannotBeIsRefused() {
        registry.step("a", Set.of("b"), () -> {});
        registry.step("b", Set.of("a"), () -> {});
        assertThatIllegalStateException()
                .isThrownBy(() -> registry.restore(new SavedComponents(List.of())))
                .withMessageContaining("[a, b]");
        component("c", 0).capturedAfter("nothing");
        assertThatIllegalStateException()
                .isThrownBy(registry::capture)
                .withMessageContaining("\"nothing\"");
        assertThatIllegalArgumentException().isThrownBy(() -> component("c", 1));
    }

    @Test
    void aComponentThatIsRequiredMustBeThereBeforeAnyStepIsTaken() {
        component("a", 0);
        StateRegistry.Component<PairState> missing = component("b", 1);
        registry.step("a", Set.of(), () -> done.add("a"));
        Saved first = Saved.of(PairState.CODEC, 0, new PairState(1, 2));

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> registry.restore(new SavedComponents(List.of(first))))
                .withMessageContaining("%s/1 is missing", PairState.CODEC.kind());
        assertThat(done).isEmpty();
        assertThat(missing.isThere()).isFalse();
    }

    @Test
    void aComponentThatIsOptionalMayBeMissing() {
        StateRegistry.Component<PairState> there = component("a", 0).optional();
        StateRegistry.Component<PairState> missing = component("b", 1).optional();
        PairState state = new PairState(1, 2);
        SavedComponents saved = new SavedComponents(List.of(Saved.of(PairState.CODEC, 0, state)));

        registry.restore(saved);
        saved.finish();

        assertThat(there.state()).isEqualTo(state);
        assertThat(missing.isThere()).isFalse();
        assertThatIllegalStateException().isThrownBy(missing::state);
    }

    @Test
    void whatCannotBeSavedIsNamedWithItsReasonAndNothingIsCaptured() {
        component("a", 0);
        registry.notSavable("passthrough", "its state is in hardware");
        registry.notSavable("socket", "its peer is another process");

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(registry::capture)
                .withMessageContaining("passthrough (its state is in hardware)")
                .withMessageContaining("socket (its peer is another process)");
        assertThat(done).isEmpty();
        assertThatIllegalArgumentException().isThrownBy(() -> ComponentState.notSavable(" "));
    }
}
