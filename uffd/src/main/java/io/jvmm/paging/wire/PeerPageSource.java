// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;
import io.jvmm.paging.PageSource;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * Memory that a {@link PageServer} supplies. Connects by itself, and again whenever the connection
 * is lost: the server is told what is here already, and what was on its way is asked for again.
 *
 * <p>The end is the server's agreement on the number of pages, never the end of a connection. The
 * source asks for it once {@link #allInstalled} was called: until then any page, also one that was
 * delivered, can be asked for again, because a page that has arrived is not yet a page in place.
 *
 * <p>While the server is away requests are kept, up to 1024 of them; a request beyond is answered
 * as {@link PageFailure#AWAY} at once, with {@link PageSink#available} to follow.
 *
 * <p>Thread-safe. Requests may be withdrawn and hastened at any time. {@link #close} must not be
 * called from within an answer.
 */
public final class PeerPageSource implements PageSource {

    private static final Logger LOG = LoggerFactory.getLogger(PeerPageSource.class);

    private final Token token;
    private final PageLayout layout;
    private final PeerConfig config;
    private final Consumer<PeerState> states;
    private final byte[] client = Token.randomBytes(HandshakeMessage.CLIENT_BYTES);
    private final PageBitmap delivered;
    private final Outstanding outstanding;
    private final Watchdog watchdog = new Watchdog("page-peer-watchdog");
    private final Thread manager;

    // Guarded by this.
    private PeerAddress address;
    private int redirects;
    private int redirectsBefore;
    private boolean isClosed;
    private boolean isFinishing;
    private boolean isInstalled;
    private @Nullable PeerSession session;
    private PageSink sink = new NoSink();

    /** Before {@link #start}. */
    private static final class NoSink implements PageSink {
        @Override
        public @Nullable PageRequest offer(long gpa, int pages) {
            return null;
        }

        @Override
        public void available() {}
    }

    /**
     * A source that connects with {@link #start}.
     *
     * @param layout the memory as this side knows it; a server that means another is refused
     * @param states told of each change, on one thread; must not wait. What it throws is logged
     */
    public PeerPageSource(
            PeerAddress address,
            Token token,
            PageLayout layout,
            PeerConfig config,
            Consumer<PeerState> states) {
        this.address = address;
        this.token = token;
        this.layout = layout;
        this.config = config;
        this.states = Guarded.listener(states);
        isFinishing = config.finishWhenInstalled();
        delivered = new PageBitmap(layout.pages());
        outstanding = new Outstanding(layout, delivered);
        manager = Wire.thread("page-peer").unstarted(this::manage);
    }

    @Override
    public void start(PageSink newSink) {
        synchronized (this) {
            sink = newSink;
        }
        manager.start();
    }

    private void manage() {
        int failures = 0;
        int epoch = 0;
        long deliveredBefore = 0;
        while (!isClosed()) {
            PeerSession current = begin(++epoch);
            WireException why = live(current, epoch);
            current.close(why);
            outstanding.detach();
            if (isClosed()) {
                break;
            }
            if (current.isComplete()) {
                outstanding.refuse(PageFailure.LOST);
                states.accept(new PeerState.Complete(layout.pages()));
                return;
            }
            failures = delivered.count() > deliveredBefore ? 1 : failures + 1;
            deliveredBefore = delivered.count();
            String message = String.valueOf(why.getMessage());
            if (why.reason().isTemporary()) {
                states.accept(new PeerState.Away(why.reason(), message, failures, missing()));
                pause(failures);
            } else {
                outstanding.refuse(PageFailure.AWAY);
                states.accept(new PeerState.Refused(why.reason(), message, missing()));
                awaitRedirect();
                outstanding.readmit();
            }
        }
        states.accept(new PeerState.Closed());
    }

    private synchronized PeerSession begin(int epoch) {
        PeerSession begun =
                new PeerSession(
                        address,
                        token,
                        client,
                        epoch,
                        layout,
                        config,
                        delivered,
                        outstanding,
                        sink,
                        watchdog);
        session = begun;
        redirectsBefore = redirects;
        return begun;
    }

    /** Opens a session and waits for its end. */
    private WireException live(PeerSession current, int epoch) {
        try {
            boolean isAwaited = outstanding.attach(current.open());
            states.accept(new PeerState.Connected(epoch, missing()));
            if (isAwaited) {
                sink().available();
            }
            finishIfDone();
            return current.await();
        } catch (WireException e) {
            WireException first = current.reason();
            return first == null ? e : first;
        } catch (InterruptedException e) {
            return new WireException(Refusal.LOST, "closed by this side");
        } catch (RuntimeException e) {
            LOG.error("connecting to {}", address(), e);
            return new WireException(Refusal.INTERNAL, e.toString());
        } catch (Error e) {
            // Such as threads that have run out. Without this one none would connect again.
            return new WireException(Refusal.LOST, e.toString());
        }
    }

    private synchronized PeerAddress address() {
        return address;
    }

    private synchronized PageSink sink() {
        return sink;
    }

    /** Has the session end as complete, if all is installed; also after each reconnection. */
    private synchronized void finishIfDone() {
        if (isFinishing && isInstalled && session != null) {
            session.finish();
        }
    }

    private void pause(int failures) {
        long most = config.lastRetry().toNanos();
        long pause = config.firstRetry().toNanos();
        for (int failure = 1; failure < failures && pause < most; failure++) {
            pause = Math.min(most, 2 * pause);
        }
        // Clients that were lost together shall not come back together.
        pause -= ThreadLocalRandom.current().nextLong(pause / 4 + 1);
        await(pause);
    }

    private void awaitRedirect() {
        await(Long.MAX_VALUE / 4);
    }

    /**
     * Waits for so many nanoseconds, or until the address has changed since the last session began,
     * or this object is closed.
     */
    private synchronized void await(long most) {
        long deadline = System.nanoTime() + most;
        try {
            while (!isClosed && redirects == redirectsBefore) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return;
                }
                wait(left / 1_000_000 + 1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Goes on with another server of the same memory and token, or with the same one after what it
     * was refused for was mended.
     */
    public synchronized void redirect(PeerAddress newAddress) {
        address = newAddress;
        redirects++;
        if (session != null) {
            session.end(new WireException(Refusal.LOST, "redirected to " + newAddress));
        }
        notifyAll();
    }

    /**
     * Says that pages are here or not needed, whatever their content. They count as delivered, so
     * the server does not push them; the source can be asked for them all the same.
     *
     * @param gpa of the first page, a multiple of 4 KiB
     * @param pages within one range of the layout
     */
    public void have(long gpa, int pages) {
        long first = layout.page(gpa, (long) pages * PageLayout.PAGE_BYTES);
        if (first < 0) {
            throw new IllegalArgumentException("no pages at 0x" + Long.toHexString(gpa));
        }
        delivered.set(first, pages);
    }

    /**
     * {@inheritDoc}
     *
     * <p>Pages that were never delivered count as not needed from here on.
     */
    @Override
    public void allInstalled() {
        delivered.set(0, layout.pages());
        synchronized (this) {
            isInstalled = true;
        }
        finishIfDone();
    }

    /** The end may be agreed on as soon as all is installed, now or later. */
    public void finish() {
        synchronized (this) {
            isFinishing = true;
        }
        finishIfDone();
    }

    /** Pages that were not delivered yet. */
    public long missing() {
        return layout.pages() - delivered.count();
    }

    @Override
    public boolean isSynchronous() {
        return false;
    }

    @Override
    public int extent(long gpa, int pages) {
        for (PageLayout.Range range : layout.ranges()) {
            if (gpa < range.gpa()) {
                return (int) -Math.min(pages, (range.gpa() - gpa) / PageLayout.PAGE_BYTES);
            }
            if (gpa < range.end()) {
                return (int) Math.min(pages, (range.end() - gpa) / PageLayout.PAGE_BYTES);
            }
        }
        return -pages;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        outstanding.fetch(request, first, count);
    }

    @Override
    public void hasten(PageRequest request) {
        outstanding.hasten(request);
    }

    @Override
    public void cancel(PageRequest request) {
        outstanding.cancel(request);
    }

    private synchronized boolean isClosed() {
        return isClosed;
    }

    /** Leaves the server, without claiming to be done, and waits for this object's threads. */
    @Override
    public void close() {
        PeerSession current;
        synchronized (this) {
            if (isClosed) {
                return;
            }
            isClosed = true;
            current = session;
            notifyAll();
        }
        if (current != null) {
            current.leave();
            current.end(new WireException(Refusal.LOST, "closed by this side"));
        }
        if (manager.getState() == Thread.State.NEW) {
            manager.start();
        }
        // Out of an attempt to connect.
        manager.interrupt();
        boolean interrupted = false;
        while (manager.isAlive()) {
            try {
                manager.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        outstanding.refuse(PageFailure.LOST);
        watchdog.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
