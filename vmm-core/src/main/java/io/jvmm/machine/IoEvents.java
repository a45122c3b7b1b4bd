// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.Doorbell;
import io.jvmm.ffi.kvm.Ioeventfd;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.EventFd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The doorbells of a machine's devices: writes of the guest that signal an eventfd without leaving
 * the guest. They are kept as data, since a reset puts another virtual machine into the kernel:
 * {@link #attach} applies them to it.
 *
 * <p>{@link #add}, {@link #attach}, {@link #pause} and the like are for one thread at a time, that
 * of the machine's operation under way.
 */
final class IoEvents implements AutoCloseable {

    private record Bell(Doorbell doorbell, EventFd event) {
        Ioeventfd write() {
            return new Ioeventfd(
                    switch (doorbell.space()) {
                        case PORT -> Ioeventfd.Space.PORT;
                        case MMIO -> Ioeventfd.Space.MMIO;
                    },
                    doorbell.address(),
                    doorbell.width(),
                    doorbell.value());
        }
    }

    private final DoorbellThread thread;
    private final List<Bell> bells = new ArrayList<>();
    private boolean ringAll;

    /**
     * @param machine name, for the thread
     * @param onFailure is told what a device has thrown
     */
    IoEvents(String machine, Consumer<Throwable> onFailure) {
        thread = new DoorbellThread(machine + "-doorbells", onFailure);
    }

    /** Adds a doorbell; before the first {@link #attach}. */
    void add(Doorbell doorbell) {
        EventFd event = EventFd.create();
        bells.add(new Bell(doorbell, event));
        thread.watch(event, doorbell.ring());
    }

    /** From now on writes of this machine's guest ring. */
    void attach(KvmVm vm) {
        for (Bell bell : bells) {
            vm.assignIoeventfd(bell.write(), bell.event());
        }
    }

    /** None is ringing when this returns, and none rings until {@link #resume}. */
    void pause() {
        thread.pause();
    }

    /** Rings for the writes of before and during the pause. */
    void resume() {
        if (ringAll) {
            ringAll = false;
            bells.forEach(bell -> bell.event().signal());
        }
        thread.resume();
    }

    /** Forgets writes of which no device has been told: the guest that made them is gone. */
    void reset() {
        thread.discard();
    }

    /** Has every doorbell ring at the next {@link #resume}: rings are not saved. */
    void restored() {
        ringAll = true;
    }

    @Override
    public void close() {
        thread.close();
        bells.forEach(bell -> bell.event().close());
        bells.clear();
    }
}
