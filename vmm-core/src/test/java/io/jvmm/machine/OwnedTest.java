// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class OwnedTest {

    private final List<String> closed = new ArrayList<>();
    private final Owned owned = new Owned();

    private void fail(String name) {
        closed.add(name);
        throw new IllegalStateException(name);
    }

    @Test
    void closesInReverseOrderAndOnce() {
        assertThat(owned.own("a", closed::add)).isEqualTo("a");
        owned.own("b", closed::add);
        owned.close();
        owned.close();
        assertThat(closed).containsExactly("b", "a");
    }

    @Test
    void closesTheRestWhenSomeFail() {
        owned.own("a", closed::add);
        owned.own("b", this::fail);
        owned.own("c", this::fail);
        assertThatThrownBy(owned::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("c")
                .satisfies(e -> assertThat(e.getSuppressed()[0]).hasMessage("b"));
        assertThat(closed).containsExactly("c", "b", "a");
    }
}
