// SPDX-License-Identifier: Apache-2.0
/*
 * The reference of `./vmm bench paging`: the loops that others ship, as short as they get in C.
 *
 *   cc -O2 -Wall -Wextra -pthread -o paging paging.c
 *   ./paging FILE BYTES RING
 *
 * It prints "ready"; then each line on standard input is answered by "ns T" on standard output,
 * T nanoseconds for the whole:
 *
 *   copy VCPUS PAGES      the vCPUs of a guest in ring RING read a word of each page, each vCPU its
 *   continue VCPUS PAGES  part; one thread reads one message and puts one page in place, until all
 *                         are: UFFDIO_COPY from a buffer, or a copy into a second mapping of the
 *                         memfd and UFFDIO_CONTINUE
 *   pread                 fill BYTES from the file: per page pread, UFFDIO_COPY
 *   mapped                fill BYTES from the populated mapping of the file: per page UFFDIO_COPY
 *
 * Memory is mapped anew for each order; who gives the orders touches as much before, so that the
 * host has given it out. End of input ends the program.
 */
#include "paging-guest.h"

static int64_t fill(int file, size_t length, int mapped)
{
    static char buffer[PAGE];
    char *filled = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, length);
    char *source = mapped
        ? mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0) : buffer;
    if (source == MAP_FAILED)
        err(1, "mmap");
    madvise(filled, length, MADV_NOHUGEPAGE);
    int uffd = open_uffd(UFFD_FEATURE_THREAD_ID);
    track(uffd, filled, length, UFFDIO_REGISTER_MODE_MISSING);
    int64_t start = now();
    for (size_t at = 0; at < length; at += PAGE) {
        if (!mapped && pread(file, buffer, PAGE, at) != PAGE)
            err(1, "pread");
        copy_page(uffd, filled + at, mapped ? source + at : buffer, 0);
    }
    int64_t took = now() - start;
    close(uffd);
    munmap(filled, length);
    if (mapped)
        munmap(source, length);
    return took;
}

int main(int count, char **arguments)
{
    if (count != 4)
        errx(2, "usage: paging FILE BYTES RING");
    int file = open(arguments[1], O_RDONLY);
    if (file < 0)
        err(1, "%s", arguments[1]);
    size_t length = strtoull(arguments[2], NULL, 0);
    ring = atoi(arguments[3]);
    setlinebuf(stdout);
    puts("ready");
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        int vcpus;
        long pages;
        int64_t took;
        if (sscanf(line, "copy %d %ld", &vcpus, &pages) == 2 && vcpus <= MAX_VCPUS)
            took = faults(vcpus, pages, 0);
        else if (sscanf(line, "continue %d %ld", &vcpus, &pages) == 2 && vcpus <= MAX_VCPUS)
            took = faults(vcpus, pages, 1);
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
