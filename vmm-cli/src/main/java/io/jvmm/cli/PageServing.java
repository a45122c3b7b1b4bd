// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.paging.handler.HandlerServer;
import io.jvmm.paging.handler.MachineEvent;
import io.jvmm.paging.wire.FileImage;
import io.jvmm.paging.wire.PageLayout;
import io.jvmm.paging.wire.PageServer;
import io.jvmm.paging.wire.PeerAddress;
import io.jvmm.paging.wire.ServerEvent;
import io.jvmm.paging.wire.ServerLimits;
import io.jvmm.paging.wire.Token;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;

/** A page server in the foreground of a process: its servers, its signals, its end. */
final class PageServing implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PageServing.class);

    /**
     * What to serve, and how.
     *
     * @param addresses for the page protocol; may be empty
     * @param handler the socket for page faults, or null
     * @param once whether to end when one client or machine has had enough
     */
    record Plan(
            Path image,
            PageLayout layout,
            List<PeerAddress> addresses,
            Token token,
            ServerLimits limits,
            @Nullable Path handler,
            boolean once) {}

    /** Is told that the servers listen. */
    interface Ready {
        void tell(String text);
    }

    private final Plan plan;
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private final CompletableFuture<Integer> end = new CompletableFuture<>();
    private final Set<String> completed = ConcurrentHashMap.newKeySet();

    private PageServing(Plan plan) {
        this.plan = plan;
    }

    /**
     * Serves from here on.
     *
     * @throws CommandException the image cannot be read, or an address cannot be had
     */
    static PageServing begin(Plan plan, PrintWriter out, Ready ready) {
        PageServing serving = new PageServing(plan);
        try {
            ProcessSignal.handle("INT", serving::endBy);
            ProcessSignal.handle("TERM", serving::endBy);
            ProcessSignal.handle("HUP", serving::endBy);
            String text = String.join("\n", serving.open()) + "\nready\n";
            out.print(text);
            out.flush();
            ready.tell(text);
            return serving;
        } catch (RuntimeException | Error e) {
            serving.close();
            throw e;
        }
    }

    static CommandException badImage(Path image, IOException cause) {
        String why = cause instanceof NoSuchFileException ? "not there" : cause.getMessage();
        return new CommandException(
                ExitCode.BAD_IMAGE, "image %s: %s".formatted(image, why), cause);
    }

    private List<String> open() {
        List<String> lines = new ArrayList<>();
        if (!plan.addresses.isEmpty()) {
            FileImage image = openImage();
            for (PeerAddress address : plan.addresses) {
                lines.add("pages at " + serve(image, address).address());
            }
        }
        Path handler = plan.handler;
        if (handler != null) {
            handleAt(handler);
            lines.add("page faults at " + handler);
        }
        return lines;
    }

    private FileImage openImage() {
        try {
            FileImage image = FileImage.open(plan.image, plan.layout);
            owned.push(image);
            return image;
        } catch (IOException e) {
            throw badImage(plan.image, e);
        }
    }

    private PageServer serve(FileImage image, PeerAddress address) {
        try {
            PageServer server = PageServer.open(address, image, plan.token, plan.limits, this::on);
            owned.push(server);
            return server;
        } catch (IOException e) {
            throw cannotListen(address.toString(), e);
        }
    }

    private void handleAt(Path path) {
        Fd file;
        try {
            file = Fd.open(plan.image.toString(), Fd.O_RDONLY);
        } catch (KernelException e) {
            throw badImage(plan.image, new IOException(e.getMessage(), e));
        }
        owned.push(file);
        try {
            owned.push(
                    HandlerServer.open(
                            path, file, plan.limits.clients(), plan.limits.opening(), this::on));
        } catch (IOException | KernelException e) {
            throw cannotListen(path.toString(), e);
        }
    }

    private static CommandException cannotListen(String where, Exception cause) {
        return new CommandException(
                ExitCode.HOST,
                "cannot listen at %s: %s".formatted(where, cause.getMessage()),
                cause);
    }

    private void on(ServerEvent event) {
        String peer = event.peer();
        switch (event) {
            case ServerEvent.Opened _ -> LOG.info("{}: session open", peer);
            case ServerEvent.Refused refused ->
                    LOG.warn("{}: refused ({}): {}", peer, refused.reason(), refused.message());
            case ServerEvent.Completed done -> {
                LOG.info("{}: complete, {} pages", peer, done.pages());
                completed.add(peer);
            }
            case ServerEvent.Left left ->
                    LOG.info("{}: left with {} pages", peer, left.delivered());
            case ServerEvent.Lost lost ->
                    LOG.warn("{}: lost ({}): {}", peer, lost.reason(), lost.message());
            case ServerEvent.Unreadable unreadable ->
                    LOG.warn(
                            "{}: the image cannot be read at 0x{}: {}",
                            peer,
                            Long.toHexString(unreadable.gpa()),
                            unreadable.message());
            case ServerEvent.Closed _ -> {
                if (completed.remove(peer)) {
                    endIfOnce();
                }
            }
        }
    }

    private void on(MachineEvent event) {
        switch (event) {
            case MachineEvent.Accepted machine ->
                    LOG.info(
                            "process {}: handles its {} MiB", machine.pid(), machine.bytes() >> 20);
            case MachineEvent.Ended machine -> {
                LOG.info("process {}: ended, {} KiB brought", machine.pid(), machine.bytes() >> 10);
                endIfOnce();
            }
            case MachineEvent.Unreadable unreadable ->
                    LOG.warn(
                            "process {}: the image cannot be read: {}",
                            unreadable.pid(),
                            unreadable.message());
            case MachineEvent.Refused refused ->
                    LOG.warn("process {}: refused: {}", refused.pid(), refused.message());
        }
    }

    private void endIfOnce() {
        if (plan.once) {
            end.complete(ExitCode.OK);
        }
    }

    private void endBy(int signal) {
        end.complete(ExitCode.SIGNAL + signal);
    }

    /** Waits for the end; returns the exit code. */
    int await() throws InterruptedException {
        try {
            return end.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("only ever completed with a code", e);
        }
    }

    /** Tells all clients, and waits until nobody uses the image any more. */
    @Override
    public void close() {
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (Exception e) {
                LOG.warn("closing: {}", e.getMessage());
            }
        }
    }
}
