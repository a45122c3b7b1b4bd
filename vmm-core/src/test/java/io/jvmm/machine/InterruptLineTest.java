// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.bus.IrqLine;
import io.jvmm.layout.Irqs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** A line's end may be taken away at any moment, but not while it is being driven. */
@Timeout(60)
class InterruptLineTest {

    private final InterruptRouting routing = new InterruptRouting();
    private final IrqLine line = routing.line(Irqs.COM1);
    private final List<Boolean> levels = new CopyOnWriteArrayList<>();

    @Test
    void anEndHearsOfLevelsAsLongAsItIsThere() {
        routing.attachLines(gsi -> levels::add);
        line.raise();
        routing.detach();
        line.lower();
        line.raise();
        assertThat(levels).containsExactly(true);
        routing.attachLines(gsi -> levels::add);
        assertThat(levels).containsExactly(true, true);
        line.lower();
        assertThat(levels).containsExactly(true, true, false);
    }

    /** Or the call would go on with the number of a descriptor that is closed behind it. */
    @Test
    void anEndIsNotTakenAwayWhileItIsDriven() throws Exception {
        CountDownLatch driven = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        routing.attachLines(gsi ->
                level -> {
                    driven.countDown();
                    try {
                        goOn.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    levels.add(level);
                });
        Thread device = Thread.ofPlatform().start(line::raise);
        driven.await();
        Thread taking = Thread.ofPlatform().start(routing::detach);
        while (taking.getState() != Thread.State.BLOCKED) {
            assertThat(taking.isAlive()).as("still at it").isTrue();
            Thread.onSpinWait();
        }
        assertThat(levels).isEmpty();
        goOn.countDown();
        taking.join();
        assertThat(levels).containsExactly(true);
        device.join();
    }
}
