/*
 * The reference of `./vmm bench paging`: the loops that others ship, as short as they get in C.
 *
 *   cc -O2 -Wall -Wextra -pthread -o paging paging.c
 *   ./paging FILE BYTES
 *
 * It prints "ready"; then each line on standard input is answered by "ns T" on standard output,
 * T nanoseconds for the whole:
 *
 *   copy N, continue N   N threads' worth of single faults: one thread touches N pages, another
 *                        reads one message and answers with one UFFDIO_COPY or UFFDIO_CONTINUE
 *   pread                fill BYTES from the file: per page pread, UFFDIO_COPY
 *   mapped               fill BYTES from the populated mapping of the file: per page UFFDIO_COPY
 *
 * Memory is mapped anew for each order and was touched before as far as the host gives out what it
 * got back last. End of input ends the program.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

enum { PAGE = 4096 };

static int control(int fd, unsigned long request, void *argument, const char *name)
{
    int result = ioctl(fd, request, argument);
    if (result < 0)
        err(1, "%s", name);
    return result;
}

static int open_uffd(void)
{
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device < 0)
        err(1, "/dev/userfaultfd");
    int fd = control(device, USERFAULTFD_IOC_NEW, (void *)O_CLOEXEC, "USERFAULTFD_IOC_NEW");
    close(device);
    struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_THREAD_ID };
    control(fd, UFFDIO_API, &api, "UFFDIO_API");
    return fd;
}

static void track(int uffd, char *memory, size_t length, unsigned long mode)
{
    struct uffdio_register range = { .range = { (uintptr_t)memory, length }, .mode = mode };
    control(uffd, UFFDIO_REGISTER, &range, "UFFDIO_REGISTER");
}

static void copy_page(int uffd, const char *to, const char *from)
{
    struct uffdio_copy copy = { .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = PAGE };
    control(uffd, UFFDIO_COPY, &copy, "UFFDIO_COPY");
}

static char *map(int flags, int fd, size_t length)
{
    char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED)
        err(1, "mmap");
    return memory;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

struct touching { char *memory; long pages; };

static void *touch(void *argument)
{
    struct touching *what = argument;
    for (long page = 0; page < what->pages; page++)
        if (madvise(what->memory + page * PAGE, PAGE, MADV_POPULATE_READ) < 0)
            err(1, "MADV_POPULATE_READ");
    return NULL;
}

static int64_t faults(long pages, int minor)
{
    size_t length = pages * PAGE;
    int file = minor ? memfd_create("bench", 0) : -1;
    if (minor && ftruncate(file, length) < 0)
        err(1, "ftruncate");
    char *memory = map(minor ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file, length);
    char *source = minor ? map(MAP_SHARED, file, length) : map(MAP_PRIVATE | MAP_ANONYMOUS, -1, PAGE);
    madvise(memory, length, MADV_NOHUGEPAGE);
    memset(source, 1, minor ? length : PAGE);
    int uffd = open_uffd();
    track(uffd, memory, length, minor ? UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR
                                      : UFFDIO_REGISTER_MODE_MISSING);
    struct touching what = { memory, pages };
    pthread_t toucher;
    int64_t start = now();
    pthread_create(&toucher, NULL, touch, &what);
    for (long page = 0; page < pages; page++) {
        struct uffd_msg message;
        if (read(uffd, &message, sizeof message) != sizeof message)
            err(1, "read");
        char *at = (char *)(uintptr_t)message.arg.pagefault.address;
        if (minor) {
            struct uffdio_continue map_it = { .range = { (uintptr_t)at, PAGE } };
            control(uffd, UFFDIO_CONTINUE, &map_it, "UFFDIO_CONTINUE");
        } else {
            copy_page(uffd, at, source);
        }
    }
    pthread_join(toucher, NULL);
    int64_t took = now() - start;
    close(uffd);
    munmap(memory, length);
    munmap(source, minor ? length : PAGE);
    if (minor)
        close(file);
    return took;
}

static int64_t fill(int file, size_t length, int mapped)
{
    static char buffer[PAGE];
    char *memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, length);
    char *source = mapped
        ? mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0) : buffer;
    if (source == MAP_FAILED)
        err(1, "mmap");
    madvise(memory, length, MADV_NOHUGEPAGE);
    int uffd = open_uffd();
    track(uffd, memory, length, UFFDIO_REGISTER_MODE_MISSING);
    int64_t start = now();
    for (size_t at = 0; at < length; at += PAGE) {
        if (!mapped && pread(file, buffer, PAGE, at) != PAGE)
            err(1, "pread");
        copy_page(uffd, memory + at, mapped ? source + at : buffer);
    }
    int64_t took = now() - start;
    close(uffd);
    munmap(memory, length);
    if (mapped)
        munmap(source, length);
    return took;
}

int main(int count, char **arguments)
{
    if (count != 3)
        errx(2, "usage: paging FILE BYTES");
    int file = open(arguments[1], O_RDONLY);
    if (file < 0)
        err(1, "%s", arguments[1]);
    size_t length = strtoull(arguments[2], NULL, 0);
    setlinebuf(stdout);
    puts("ready");
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        long pages;
        int64_t took;
        if (sscanf(line, "copy %ld", &pages) == 1)
            took = faults(pages, 0);
        else if (sscanf(line, "continue %ld", &pages) == 1)
            took = faults(pages, 1);
        else if (strcmp(line, "pread\n") == 0)
            took = fill(file, length, 0);
        else if (strcmp(line, "mapped\n") == 0)
            took = fill(file, length, 1);
        else
            errx(2, "unknown order: %s", line);
        printf("ns %lld\n", (long long)took);
    }
    return 0;
}
