// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.IrqLine;
import io.jvmm.bus.MsiSink;
import io.jvmm.ffi.kvm.IrqRoute;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.layout.Irqs;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * How devices interrupt the guest: lines to the controllers, messages to local APICs, and eventfds
 * of other processes. They are kept as data, since a reset puts another virtual machine into the
 * kernel while devices stay: {@link #attach} applies them to it. Without one, lines keep their
 * level and messages vanish.
 *
 * <p>Thread-safe. When {@link #detach} returns, no interrupt is on its way to the virtual machine
 * that was attached, and none will be: each line and each sink holds its own lock while it calls
 * the kernel, so that it never uses a descriptor that is being closed, whose number may be that of
 * another machine a moment later.
 *
 * <p>LOCKS: {@code this} before that of a line or a sink. Nothing else is locked under either.
 */
final class InterruptRouting {

    /** Numbers of messages begin behind those of pins. */
    private static final int FIRST_MESSAGE = Irqs.IOAPIC_PINS;

    private final Map<Integer, Line> lines = new HashMap<>(); // guarded by this, as the rest
    private final List<Sink> sinks = new ArrayList<>();
    private final List<Trigger> triggers = new ArrayList<>();
    private final List<IrqRoute> messages = new ArrayList<>();
    private @Nullable KvmVm attached;

    private record Trigger(EventFd event, int gsi) {}

    /** The end of a line at a controller. */
    @FunctionalInterface
    interface LineEnd {
        void set(boolean level);
    }

    /** A wire that keeps its level while there is nothing at its end. */
    private static final class Line implements IrqLine {

        private boolean high; // guarded by this
        private @Nullable LineEnd end; // guarded by this

        @Override
        public void raise() {
            set(true);
        }

        @Override
        public void lower() {
            set(false);
        }

        private synchronized void set(boolean level) {
            high = level;
            if (end != null) {
                end.set(level);
            }
        }

        synchronized void attach(LineEnd newEnd) {
            end = newEnd;
            if (high) {
                newEnd.set(true);
            }
        }

        synchronized void detach() {
            end = null;
        }
    }

    /** The way of messages. */
    private static final class Sink implements MsiSink {

        private @Nullable KvmVm end; // guarded by this

        @Override
        public synchronized boolean signal(long address, int data) {
            return end != null && end.signalMsi(address, data);
        }

        synchronized void attach(@Nullable KvmVm vm) {
            end = vm;
        }
    }

    /**
     * A line of its own for a device.
     *
     * @param gsi global system interrupt, 0 to 23
     * @throws IllegalArgumentException if there is no such line, or a device has it already
     */
    synchronized IrqLine line(int gsi) {
        if (gsi < 0 || gsi >= Irqs.IOAPIC_PINS || gsi == Irqs.PIT || gsi == Irqs.PIT_IOAPIC_PIN) {
            throw new IllegalArgumentException("devices cannot have interrupt line " + gsi);
        }
        Line line = new Line();
        if (lines.putIfAbsent(gsi, line) != null) {
            throw new IllegalArgumentException("interrupt line %d is taken".formatted(gsi));
        }
        if (attached != null) {
            line.attach(attached.irqLine(gsi)::set);
        }
        return line;
    }

    /** A sink of its own for a device. */
    synchronized MsiSink messages() {
        Sink sink = new Sink();
        sink.attach(attached);
        sinks.add(sink);
        return sink;
    }

    /**
     * Has an eventfd, which another process signals, send a message.
     *
     * @param address of the message
     * @param data of the message
     */
    synchronized void messageOn(EventFd event, long address, int data) {
        int gsi = FIRST_MESSAGE + messages.size();
        messages.add(new IrqRoute.Msi(gsi, address, data));
        Trigger trigger = new Trigger(event, gsi);
        triggers.add(trigger);
        if (attached != null) {
            setRoutes(attached);
            attached.assignIrqfd(event, gsi);
        }
    }

    private void setRoutes(KvmVm vm) {
        List<IrqRoute> all = new ArrayList<>(InterruptControllers.routes());
        all.addAll(messages);
        vm.setIrqRoutes(all);
    }

    /** From now on interrupts go to this machine, whose controllers are in place. */
    synchronized void attach(KvmVm vm) {
        attached = vm;
        if (!messages.isEmpty()) {
            setRoutes(vm);
        }
        triggers.forEach(trigger -> vm.assignIrqfd(trigger.event(), trigger.gsi()));
        sinks.forEach(sink -> sink.attach(vm));
        attachLines(gsi -> vm.irqLine(gsi)::set);
    }

    /** As {@link #attach}, for lines alone, whose ends may be anything. */
    synchronized void attachLines(IntFunction<LineEnd> ends) {
        lines.forEach((gsi, line) -> line.attach(ends.apply(gsi)));
    }

    /** From now on interrupts go nowhere: the machine is about to be closed. */
    synchronized void detach() {
        attached = null;
        lines.values().forEach(Line::detach);
        sinks.forEach(sink -> sink.attach(null));
    }
}
