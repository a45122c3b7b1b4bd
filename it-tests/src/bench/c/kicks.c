// SPDX-License-Identifier: Apache-2.0
/*
 * The reference of `./vmm bench kicks`: the shortest C program that gets a vCPU out of
 * KVM_RUN as the monitor does: immediate_exit, then a signal with a handler that does
 * nothing.
 *
 *   cc -O2 -Wall -Wextra -pthread -o kicks kicks.c
 *   ./kicks PAYLOAD MISSING  a payload that tells TEST_PORT that it is up, then goes on
 *                            without an exit; MISSING is 1 if the page of its next
 *                            instruction shall be missing from then on, else 0
 *
 * It prints "ready". Then each line "kick N" on standard input is answered by one line of N
 * numbers on standard output: nanoseconds from before each kick to after the return of
 * KVM_RUN. The vCPU runs on CPU 0, who kicks on CPU 1, if there is one. End of input ends
 * the program.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

enum { VCPU_CPU = 0, KICKER_CPU = 1, DELAY_NANOS = 50000, PAGE_SIZE = 4096 };

static int vcpu;
static struct kvm_run *kvm_run;
static atomic_int vcpu_thread, end;
static atomic_ulong entered, kicked, left, left_at;

static void nothing(int signal)
{
    (void)signal;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sysconf(_SC_NPROCESSORS_ONLN) > cpu && sched_setaffinity(0, sizeof set, &set) < 0)
        err(1, "sched_setaffinity");
}

static void wait_for(atomic_ulong *counter, unsigned long value)
{
    while (atomic_load_explicit(counter, memory_order_acquire) < value)
        if (sysconf(_SC_NPROCESSORS_ONLN) > KICKER_CPU)
            __builtin_ia32_pause();
        else
            nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
}

static void *run_vcpu(void *unused)
{
    pin(VCPU_CPU);
    vcpu_thread = syscall(SYS_gettid);
    kvm_run->immediate_exit = 0;
    for (unsigned long round = 1; !end; round++) {
        atomic_store_explicit(&entered, round, memory_order_release);
        /* The signal of the last kick comes late when the flag had turned the entry back. */
        do {
            if (ioctl(vcpu, KVM_RUN, 0) == 0 || errno != EINTR)
                errx(1, "KVM_RUN came back: exit reason %u", kvm_run->exit_reason);
            atomic_store_explicit(&left_at, now(), memory_order_relaxed);
            __atomic_store_n(&kvm_run->immediate_exit, 0, __ATOMIC_SEQ_CST);
        } while (kicked < round && !end);
        atomic_store_explicit(&left, round, memory_order_release);
    }
    return unused;
}

static void kick(void)
{
    __atomic_store_n(&kvm_run->immediate_exit, 1, __ATOMIC_RELEASE);
    if (syscall(SYS_tgkill, getpid(), vcpu_thread, SIGUSR1) < 0 && errno != ESRCH)
        err(1, "tgkill");
}

/* Completes the instruction of the last exit, then takes the page behind it away. */
static void take_page(void)
{
    kvm_run->immediate_exit = 1;
    if (ioctl(vcpu, KVM_RUN, 0) == 0 || errno != EINTR)
        err(1, "KVM_RUN");
    kvm_run->immediate_exit = 0;
    struct kvm_regs regs;
    control(vcpu, KVM_GET_REGS, &regs, "KVM_GET_REGS");
    int uffd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    uffd = uffd < 0 ? syscall(SYS_userfaultfd, O_CLOEXEC)
                    : ioctl(uffd, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    if (uffd < 0)
        err(1, "userfaultfd");
    struct uffdio_api api = {.api = UFFD_API};
    control(uffd, UFFDIO_API, &api, "UFFDIO_API");
    uint8_t *page = memory + (regs.rip & -PAGE_SIZE);
    if (madvise(page, PAGE_SIZE, MADV_DONTNEED) < 0)
        err(1, "madvise");
    struct uffdio_register range = {
        .range = {.start = (uintptr_t)page, .len = PAGE_SIZE},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
    };
    control(uffd, UFFDIO_REGISTER, &range, "UFFDIO_REGISTER");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: kicks PAYLOAD MISSING");

    vcpu = create_guest(argv[1], &kvm_run);
    if (ioctl(vcpu, KVM_RUN, 0) < 0 || kvm_run->exit_reason != KVM_EXIT_IO)
        errx(1, "the guest did not come up: exit reason %u", kvm_run->exit_reason);
    if (atoi(argv[2]))
        take_page();
    struct sigaction action = {.sa_handler = nothing};
    if (sigaction(SIGUSR1, &action, NULL) < 0)
        err(1, "sigaction");
    pin(KICKER_CPU);
    puts("ready");
    fflush(stdout);

    unsigned long count;
    while (scanf(" kick %lu", &count) == 1) {
        uint64_t *nanos = calloc(count, sizeof *nanos);
        pthread_t thread;
        entered = kicked = left = end = 0;
        if (pthread_create(&thread, NULL, run_vcpu, NULL) != 0)
            errx(1, "pthread_create");
        for (unsigned long round = 1; round <= count; round++) {
            wait_for(&entered, round);
            uint64_t start = now();
            for (uint64_t ready = start + DELAY_NANOS; start < ready; start = now())
                __builtin_ia32_pause();
            kicked = round;
            kick();
            wait_for(&left, round);
            nanos[round - 1] = left_at - start;
        }
        wait_for(&entered, count + 1);
        end = 1;
        kick();
        pthread_join(thread, NULL);
        for (unsigned long i = 0; i < count; i++)
            printf("%llu ", (unsigned long long)nanos[i]);
        puts("");
        fflush(stdout);
        free(nanos);
    }
    return 0;
}
