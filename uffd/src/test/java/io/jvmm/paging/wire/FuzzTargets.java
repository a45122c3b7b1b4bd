// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.Priority;
import io.jvmm.paging.wire.HandshakeMessage.Accept;
import io.jvmm.paging.wire.HandshakeMessage.Challenge;
import io.jvmm.paging.wire.HandshakeMessage.Hello;
import io.jvmm.paging.wire.HandshakeMessage.Proof;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Whatever bytes a peer sends, the answer is a {@link WireException} and nothing else, and no byte
 * is written where none was asked for. Checksums are put right before an input is looked at, or no
 * input would get past them.
 */
final class FuzzTargets {

    private static final int PAGE = PageLayout.PAGE_BYTES;
    private static final PageLayout LAYOUT =
            new PageLayout(List.of(new PageLayout.Range(0, 4 * PAGE)));
    private static final int ASKED = 2;
    private static final Watchdog WATCHDOG = new Watchdog("fuzz");

    private FuzzTargets() {}

    /** Puts sequences and sums right, as long as there are whole frames. */
    private static byte[] mended(byte[] input) {
        byte[] bytes = input.clone();
        ByteBuffer at = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int sequence = 0;
        for (int start = 0; start + FrameHeader.BYTES <= bytes.length; ) {
            at.putInt(start + 4, sequence++);
            int payload = at.getInt(start + 28);
            int body = start + FrameHeader.BYTES;
            if (payload < 0 || payload > bytes.length - body) {
                payload = 0;
            }
            at.putInt(start + 32, payload == 0 ? 0 : sum(bytes, body, payload));
            at.putInt(start + 36, sum(bytes, start, 36));
            start = body + payload;
        }
        return bytes;
    }

    private static int sum(byte[] bytes, int from, int count) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, from, count);
        return (int) sum.getValue();
    }

    /** The handshake's messages, the layout, the bitmap. */
    static void messages(byte[] input) {
        attempt(() -> Hello.decode(sealed(input, Hello.BYTES)));
        attempt(() -> Challenge.decode(sealed(input, Challenge.BYTES)));
        attempt(() -> Proof.decode(sealed(input, Proof.BYTES)));
        attempt(() -> Accept.decode(sealed(input, Accept.BYTES)));
        attempt(() -> Hello.decode(input));
        attempt(() -> LayoutMessage.decode(ByteBuffer.wrap(input)).requireSame(LAYOUT));
        attempt(() -> new PageBitmap(100).merge(input.length % 13 * 8L, 9, ByteBuffer.wrap(input)));
    }

    private static byte[] sealed(byte[] input, int bytes) {
        byte[] message = Arrays.copyOf(input, bytes);
        ByteBuffer.wrap(message)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(bytes - 4, sum(message, 0, bytes - 4));
        return message;
    }

    private static void attempt(Runnable deed) {
        try {
            deed.run();
        } catch (WireException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    /** Ends with what it was given, and swallows what it is told. */
    private static final class Tape implements Link {
        private final ByteBuffer bytes;

        Tape(byte[] bytes) {
            this.bytes = ByteBuffer.wrap(bytes);
        }

        @Override
        public int read(ByteBuffer first, ByteBuffer second) {
            ByteBuffer to = first.hasRemaining() ? first : second;
            int count = Math.min(to.remaining(), bytes.remaining());
            if (count == 0) {
                return -1;
            }
            to.put(bytes.slice(bytes.position(), count));
            bytes.position(bytes.position() + count);
            return count;
        }

        @Override
        public void write(ByteBuffer first, ByteBuffer second) {
            first.position(first.limit());
            second.position(second.limit());
        }

        @Override
        public void shutdownOutput() {}

        @Override
        public String peer() {
            return "tape";
        }

        @Override
        public void close() {}
    }

    private static FrameChannel channel(byte[] input) {
        return new FrameChannel(new Tape(mended(input)), Duration.ofHours(1), WATCHDOG);
    }

    /** What a server may send over a connection that carries memory. */
    static void client(byte[] input) {
        try (Arena arena = Arena.ofConfined();
                FrameChannel channel = channel(input)) {
            MemorySegment memory = arena.allocate(4 * PAGE, PAGE);
            memory.fill((byte) 0x5C);
            PageBitmap delivered = new PageBitmap(LAYOUT.pages());
            Outstanding outstanding = new Outstanding(LAYOUT, delivered);
            Lane lane =
                    new Lane(channel, LAYOUT, outstanding, true, true, true, new Idle(), 2 << 20);
            boolean _ = outstanding.attach(List.of(lane));
            PageRequest request = new PageRequest(answered -> {});
            request.begin(PAGE, ASKED, Priority.URGENT, memory, PAGE);
            outstanding.fetch(request, 0, ASKED);
            assertThat(outstanding.inUse()).hasSize(1);
            attempt(lane::receive);
            // The tape has ended, so the session has; what was not answered waits again.
            outstanding.detach();
            assertThat(outstanding.inUse().isEmpty()).isEqualTo(request.isAnswered());
            MemorySegment untouched = arena.allocate(PAGE);
            untouched.fill((byte) 0x5C);
            assertThat(memory.asSlice(0, PAGE).mismatch(untouched)).isEqualTo(-1);
            assertThat(memory.asSlice(3L * PAGE, PAGE).mismatch(untouched)).isEqualTo(-1);
            assertThat(delivered.count()).isLessThanOrEqualTo(ASKED);
            outstanding.refuse(PageFailure.LOST);
            assertThat(request.isAnswered()).isTrue();
        }
    }

    /** What a client may send, over either kind of connection. */
    static void server(byte[] input) {
        try (FrameChannel data = channel(input);
                FrameChannel control = channel(input)) {
            ServerSession session =
                    new ServerSession(
                            new Hello(1, 1, 0, new byte[16], 1, new byte[32]),
                            "fuzz",
                            new Zeros(),
                            event -> {});
            PageSender sender = new PageSender(session, data, true, false);
            attempt(sender::receive);
            attempt(() -> session.control(control));
            assertThat(session.delivered().count()).isLessThanOrEqualTo(LAYOUT.pages());
            sender.end();
            sender.send();
        }
    }

    private static final class Zeros implements PageImage {
        @Override
        public PageLayout layout() {
            return LAYOUT;
        }

        @Override
        public void read(long gpa, MemorySegment to) throws IOException {
            to.fill((byte) 0);
        }

        @Override
        public void close() {}
    }
}
