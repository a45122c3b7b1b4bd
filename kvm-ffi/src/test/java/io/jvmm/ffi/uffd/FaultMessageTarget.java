// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Whatever a userfaultfd's messages hold, each accessor gives what is there, or says that the event
 * is another one. For a fuzzer and for random bytes.
 */
public final class FaultMessageTarget {

    private static final int MESSAGE_BYTES = (int) Layout.MESSAGE_BYTES;
    private static final int CAPACITY = 8;

    private FaultMessageTarget() {}

    /**
     * @param input as many messages as fit in, one behind the other
     */
    public static void messages(byte[] input) {
        FaultMessages messages = new FaultMessages(CAPACITY);
        int count = Math.min(CAPACITY, input.length / MESSAGE_BYTES);
        MemorySegment.copy(
                MemorySegment.ofArray(input),
                0,
                messages.buffer(),
                0,
                (long) count * MESSAGE_BYTES);
        messages.filled(count);
        for (int i = 0; i < count; i++) {
            ByteBuffer bytes =
                    ByteBuffer.wrap(input, i * MESSAGE_BYTES, MESSAGE_BYTES)
                            .slice()
                            .order(ByteOrder.LITTLE_ENDIAN);
            check(messages.at(i), bytes);
        }
        assertThat(messages.count()).isEqualTo(count);
    }

    private static void check(FaultMessage message, ByteBuffer bytes) {
        int event = Byte.toUnsignedInt(bytes.get(0));
        assertThat(message.event()).isEqualTo(event);
        boolean isFault = event == UffdConstants.UFFD_EVENT_PAGEFAULT;
        assertThat(message.isPageFault()).isEqualTo(isFault);
        if (isFault) {
            assertThat(message.flags()).isEqualTo(bytes.getLong(8));
            assertThat(message.address()).isEqualTo(bytes.getLong(16));
            assertThat(message.threadId()).isEqualTo(bytes.getInt(24));
            assertThat(message.isWrite()).isEqualTo((bytes.get(8) & 1) != 0);
            assertThat(message.isWriteProtected()).isEqualTo((bytes.get(8) & 2) != 0);
            assertThat(message.isMinor()).isEqualTo((bytes.get(8) & 4) != 0);
        } else {
            refuses(message::flags, message::address, message::threadId);
            refuses(message::isWrite, message::isWriteProtected, message::isMinor);
        }
        if (event != UffdConstants.UFFD_EVENT_FORK) {
            // Of a fork it would own whatever descriptor the bytes name.
            refuses(message::takeForkedDescriptor);
        }
        if (event == UffdConstants.UFFD_EVENT_REMAP) {
            assertThat(message.remapFrom()).isEqualTo(bytes.getLong(8));
            assertThat(message.remapTo()).isEqualTo(bytes.getLong(16));
            assertThat(message.remapLength()).isEqualTo(bytes.getLong(24));
        } else {
            refuses(message::remapFrom, message::remapTo, message::remapLength);
        }
        if (event == UffdConstants.UFFD_EVENT_REMOVE || event == UffdConstants.UFFD_EVENT_UNMAP) {
            assertThat(message.removedStart()).isEqualTo(bytes.getLong(8));
            assertThat(message.removedEnd()).isEqualTo(bytes.getLong(16));
        } else {
            refuses(message::removedStart, message::removedEnd);
        }
    }

    /** Reads a part of a message. */
    private interface Part {
        Object read();
    }

    private static void refuses(Part... parts) {
        for (Part part : List.of(parts)) {
            assertThatIllegalStateException().isThrownBy(part::read);
        }
    }
}
