// SPDX-License-Identifier: Apache-2.0
/*
 * A page-fault handler for Firecracker, written after Firecracker's public document alone ("Handling
 * snapshot memory loading": the handler listens at a unix socket; the monitor connects, sends the
 * userfaultfd and a JSON array of its memory regions, and nothing more; faults are answered by
 * UFFDIO_COPY from the privately mapped memory file; removed pages are zero from then on; the socket's
 * end is the monitor's). It shares no code with jvmm and knows nothing of it.
 *
 *   foreign_handler SOCKET FILE [BEHAVIOUR]
 *
 * Prints "ready" when it listens. BEHAVIOUR is how it goes wrong, for tests:
 *   good         not at all (the default)
 *   hold=OFFSET  does not answer faults from this offset of the file on, until it gets SIGUSR1
 *   wrong        answers with the page behind the one that was asked for
 *   silent       reads faults and answers none
 *   talk         writes to the socket, and answers none
 *   hang-up      closes the socket, and answers none
 *   clumsy       tries operations that make no sense before each right answer
 * or how it differs from the others and is right all the same:
 *   early        closes the socket at once, and serves on
 *   deaf         never looks at the socket, and never closes it
 *   strict       takes the socket's end for an error: sends SIGKILL to its peer and dies. Prints
 *                "open" at SIGUSR1 while the socket has not ended
 *   forked       its child serves, whose number it prints; the process that listened ends at
 *                SIGUSR1
 *   blocking     makes the descriptor block, and never sets the flag again
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_REGIONS 64
#define MAX_HELD 4096

struct region {
    uint64_t base, size, offset, page_size;
    unsigned char *removed; /* a byte for each page */
};

static struct region regions[MAX_REGIONS];
static int region_count;
static const unsigned char *file;
static uint64_t file_size;
static const char *behaviour = "good";
static uint64_t hold_from = UINT64_MAX;
static uint64_t held[MAX_HELD];
static int held_count;
static volatile sig_atomic_t released;

static void release(int signal)
{
    (void)signal;
    released = 1;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The number behind a field's name within one object of the array. */
static int field(const char *object, const char *end, const char *name, uint64_t *value)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = strstr(object, quoted);
    if (!at || at >= end || !(at = strchr(at + strlen(quoted), ':')))
        return 0;
    *value = strtoull(at + 1, NULL, 10);
    return 1;
}

static void parse(const char *json)
{
    for (const char *at = strchr(json, '{'); at; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        struct region *r = &regions[region_count];
        if (!end || region_count == MAX_REGIONS ||
            !field(at, end, "base_host_virt_addr", &r->base) ||
            !field(at, end, "size", &r->size) || !field(at, end, "offset", &r->offset) ||
            !field(at, end, "page_size_kib", &r->page_size)) {
            fprintf(stderr, "not understood: %s\n", json);
            exit(1);
        }
        if (r->page_size < 4096) /* the name says KiB, monitors send bytes */
            r->page_size *= 1024;
        r->removed = calloc(r->size / r->page_size, 1);
        region_count++;
    }
}

static int receive(int connection)
{
    char json[65536] = {0};
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {json, sizeof json - 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(connection, &message, 0);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (got <= 0 || !header || header->cmsg_type != SCM_RIGHTS)
        fail("recvmsg");
    int uffd;
    memcpy(&uffd, CMSG_DATA(header), sizeof uffd);
    parse(json);
    return uffd;
}

static struct region *region_of(uint64_t address)
{
    for (int i = 0; i < region_count; i++)
        if (address >= regions[i].base && address - regions[i].base < regions[i].size)
            return &regions[i];
    fprintf(stderr, "a fault at 0x%llx is in no region\n", (unsigned long long)address);
    exit(1);
}

/* What a handler with mistakes in it might do; none of it may hurt. */
static void stumble(int uffd, const struct region *r, uint64_t page)
{
    static unsigned char junk[4096];
    struct uffdio_copy copy = {.dst = 8, .src = (uintptr_t)junk, .len = 4096};
    ioctl(uffd, UFFDIO_COPY, &copy);
    copy.dst = page + 1;
    ioctl(uffd, UFFDIO_COPY, &copy);
    copy.dst = r->base + r->size;
    ioctl(uffd, UFFDIO_COPY, &copy);
    copy.dst = page;
    copy.src = 4096;
    ioctl(uffd, UFFDIO_COPY, &copy);
    struct uffdio_range range = {r->base, r->size};
    ioctl(uffd, UFFDIO_WAKE, &range);
    struct uffdio_api api = {.api = UFFD_API};
    ioctl(uffd, UFFDIO_API, &api);
    ioctl(uffd, 0xdeadbeef, &api);
    if (write(uffd, junk, sizeof junk) >= 0)
        fail("a userfaultfd was written to");
}

static void answer(int uffd, uint64_t address)
{
    struct region *r = region_of(address);
    uint64_t page = address & ~(r->page_size - 1);
    uint64_t offset = r->offset + (page - r->base);
    if (!strcmp(behaviour, "silent") || !strcmp(behaviour, "talk") || !strcmp(behaviour, "hang-up"))
        return;
    if (offset >= hold_from && !released) {
        if (held_count < MAX_HELD)
            held[held_count++] = address;
        return;
    }
    if (!strcmp(behaviour, "clumsy"))
        stumble(uffd, r, page);
    if (r->removed[(page - r->base) / r->page_size]) {
        struct uffdio_zeropage zero = {.range = {page, r->page_size}};
        ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
        return;
    }
    if (!strcmp(behaviour, "wrong") && offset + 2 * r->page_size <= file_size)
        offset += r->page_size;
    struct uffdio_copy copy = {.dst = page, .src = (uintptr_t)(file + offset), .len = r->page_size};
    while (ioctl(uffd, UFFDIO_COPY, &copy) < 0) {
        if (errno == EEXIST) {
            struct uffdio_range range = {page, r->page_size};
            ioctl(uffd, UFFDIO_WAKE, &range);
            return;
        }
        if (errno == ESRCH) /* the monitor is gone */
            exit(0);
        if (errno != EAGAIN)
            fail("UFFDIO_COPY");
    }
    if (!strcmp(behaviour, "clumsy")) {
        copy.dst = page; /* once more: it is there */
        ioctl(uffd, UFFDIO_COPY, &copy);
    }
}

static void remove_pages(uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end; at += region_of(at)->page_size) {
        struct region *r = region_of(at);
        r->removed[(at - r->base) / r->page_size] = 1;
    }
}

static void take(int uffd, const struct uffd_msg *message)
{
    if (message->event == UFFD_EVENT_PAGEFAULT)
        answer(uffd, message->arg.pagefault.address);
    else if (message->event == UFFD_EVENT_REMOVE)
        remove_pages(message->arg.remove.start, message->arg.remove.end);
}

static void serve_blocking(int uffd)
{
    struct uffd_msg message;
    fcntl(uffd, F_SETFL, 0);
    for (;;)
        if (read(uffd, &message, sizeof message) == sizeof message)
            take(uffd, &message);
}

/* Who has made the connection, as the kernel says. */
static pid_t peer_of(int connection)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        fail("SO_PEERCRED");
    return peer.pid;
}

static void serve(int uffd, int connection)
{
    pid_t peer = peer_of(connection);
    int strict = !strcmp(behaviour, "strict"), deaf = !strcmp(behaviour, "deaf");
    if (!strcmp(behaviour, "early")) {
        close(connection);
        deaf = 1;
    }
    fcntl(uffd, F_SETFL, O_NONBLOCK);
    for (;;) {
        struct pollfd ready[3] = {{.fd = uffd, .events = POLLIN},
                                  {.fd = deaf ? -1 : connection, .events = POLLIN},
                                  /* the end of the test that has started it */
                                  {.fd = strcmp(behaviour, "forked") ? 0 : -1}};
        /* Now and then by itself: SIGUSR1 may come just before. */
        if (poll(ready, 3, 100) < 0) {
            if (errno != EINTR)
                fail("poll");
            continue;
        }
        if (ready[2].revents)
            exit(0);
        if (strict && ready[1].revents) {
            kill(peer, SIGKILL);
            exit(1);
        }
        if (strict && released) {
            released = 0;
            puts("open");
            fflush(stdout);
        }
        if (released) {
            for (int i = 0; i < held_count; i++)
                answer(uffd, held[i]);
            held_count = 0;
        }
        if (ready[1].revents) /* nothing more is said: it is the end */
            return;
        struct uffd_msg message;
        while (read(uffd, &message, sizeof message) == sizeof message) {
            take(uffd, &message);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: foreign_handler SOCKET FILE [BEHAVIOUR]\n");
        return 2;
    }
    if (argc > 3)
        behaviour = argv[3];
    if (!strncmp(behaviour, "hold=", 5))
        hold_from = strtoull(behaviour + 5, NULL, 10);
    struct sigaction action = {.sa_handler = release};
    sigaction(SIGUSR1, &action, NULL);
    int memory = open(argv[2], O_RDONLY);
    struct stat status;
    if (memory < 0 || fstat(memory, &status) < 0)
        fail(argv[2]);
    file_size = status.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (file == MAP_FAILED)
        fail("mmap");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listening, 1) < 0)
        fail(argv[1]);
    puts("ready");
    fflush(stdout);
    if (!strcmp(behaviour, "forked")) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child > 0) {
            printf("%d\n", (int)child);
            fflush(stdout);
            while (!released)
                poll(NULL, 0, 100);
            return 0;
        }
    }
    int connection = accept(listening, NULL, NULL);
    if (connection < 0)
        fail("accept");
    int uffd = receive(connection);
    if (!strcmp(behaviour, "talk") && write(connection, "hello\n", 6) < 0)
        fail("write");
    if (!strcmp(behaviour, "hang-up")) {
        close(connection);
        pause();
    }
    if (!strcmp(behaviour, "blocking"))
        serve_blocking(uffd);
    serve(uffd, connection);
    return 0;
}
