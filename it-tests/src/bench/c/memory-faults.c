// SPDX-License-Identifier: Apache-2.0
/*
 * The reference of `./vmm bench memory-faults`: vCPUs that put their own missing pages in place, as
 * short as it gets in C.
 *
 *   cc -O2 -Wall -Wextra -pthread -o memory-faults memory-faults.c
 *   ./memory-faults RING
 *
 * It prints "ready"; then each line on standard input is answered by "ns T" on standard output,
 * T nanoseconds until a guest in ring RING has read a word of each page, each vCPU its part:
 *
 *   blocking VCPUS PAGES   one thread reads one message and copies one page, until all are there
 *   annotated VCPUS PAGES  KVM_RUN fails and KVM_EXIT_MEMORY_FAULT tells the page (UFFD_FEATURE_SIGBUS)
 *   poison VCPUS PAGES     missing pages hold marks, and SIGBUS tells the address
 *
 * In the latter two the vCPU's thread copies the page, which wakes nobody. End of input ends the
 * program. The guest and the first order are in paging-guest.h.
 */
#include "paging-guest.h"

#include <errno.h>
#include <signal.h>

/* Newer than the headers of some distributions. */
enum { EXIT_MEMORY_FAULT = 39 };
struct memory_fault { uint64_t flags, gpa, size; };
struct poison { uint64_t start, len, mode; int64_t updated; };
#define POISON_PAGES _IOWR(UFFDIO, 8, struct poison)
enum { FEATURE_POISON = 1 << 14, POISON_DONTWAKE = 1 };

/* What the kernel takes for a signal set, with its length before it. */
struct signal_mask { uint32_t length; uint64_t set; } __attribute__((packed));

static int own_uffd, marks;
static char *own_memory;

static void serve(char *at)
{
    static const char source[PAGE] = { 1 };
    copy_page(own_uffd, at, source, UFFDIO_COPY_MODE_DONTWAKE);
}

static void let_signal_in(int vcpu)
{
    sigset_t bus;
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &bus, NULL);
    struct signal_mask none = { .length = sizeof none.set };
    control(vcpu, KVM_SET_SIGNAL_MASK, &none, "KVM_SET_SIGNAL_MASK");
}

static char *marked(void)
{
    sigset_t bus;
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    siginfo_t info;
    struct timespec now = { 0 };
    if (sigtimedwait(&bus, &info, &now) != SIGBUS)
        errx(1, "KVM_RUN was interrupted by nobody");
    return info.si_addr;
}

static void *run_and_serve(void *argument)
{
    struct vcpu *vcpu = argument;
    if (marks)
        let_signal_in(vcpu->fd);
    for (;;) {
        if (ioctl(vcpu->fd, KVM_RUN, 0) == 0) {
            if (vcpu->run->exit_reason == KVM_EXIT_IO)
                return NULL;
            errx(1, "exit reason %u", vcpu->run->exit_reason);
        }
        if (marks && errno == EINTR) {
            serve(marked());
        } else if (errno == EFAULT && vcpu->run->exit_reason == EXIT_MEMORY_FAULT) {
            struct memory_fault *fault = (void *)&vcpu->run->hw;
            serve(own_memory + (fault->gpa - BASE));
        } else {
            err(1, "KVM_RUN");
        }
    }
}

static int64_t own_faults(int vcpus, long pages)
{
    size_t length = pages * PAGE;
    own_memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, length);
    madvise(own_memory, length, MADV_NOHUGEPAGE);
    own_uffd = open_uffd(marks ? FEATURE_POISON : UFFD_FEATURE_SIGBUS);
    track(own_uffd, own_memory, length, UFFDIO_REGISTER_MODE_MISSING);
    struct poison all = { (uintptr_t)own_memory, length, POISON_DONTWAKE, 0 };
    if (marks)
        control(own_uffd, POISON_PAGES, &all, "UFFDIO_POISON");
    struct machine machine;
    create_machine(&machine, vcpus, own_memory, pages);
    int64_t start = now();
    start_vcpus(&machine, run_and_serve);
    join_vcpus(&machine);
    int64_t took = now() - start;
    close_machine(&machine);
    close(own_uffd);
    munmap(own_memory, length);
    return took;
}

int main(int count, char **arguments)
{
    if (count != 2)
        errx(2, "usage: memory-faults RING");
    ring = atoi(arguments[1]);
    setlinebuf(stdout);
    puts("ready");
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        char way[16];
        int vcpus;
        long pages;
        if (sscanf(line, "%15s %d %ld", way, &vcpus, &pages) != 3 || vcpus > MAX_VCPUS)
            errx(2, "unknown order: %s", line);
        marks = strcmp(way, "poison") == 0;
        int64_t took = strcmp(way, "blocking") == 0 ? faults(vcpus, pages, 0)
                                                    : own_faults(vcpus, pages);
        printf("ns %lld\n", (long long)took);
    }
    return 0;
}
