// SPDX-License-Identifier: Apache-2.0
/*
 * The reference of `./vmm bench exits`: the shortest C program that does what the monitor
 * does with the same guest on the same host. It runs a payload that writes to TEST_PORT for
 * ever and counts the KVM_EXIT_IO that come back.
 *
 *   cc -O2 -Wall -Wextra -o exits exits.c
 *   ./exits PAYLOAD          real-*.bin: flat real-mode image; else an ELF64 payload
 *
 * It prints "ready" when the guest has reached its loop. Then each line "run N" on standard
 * input is answered by "ns T" on standard output: T nanoseconds passed during N exits. So
 * the benchmark can let both programs run in turns. End of input ends the program.
 */
#include "guest.h"

/* Runs the guest until it has written `count` times to TEST_PORT. */
static void run(int vcpu, struct kvm_run *kvm_run, uint64_t count)
{
    while (count > 0) {
        if (ioctl(vcpu, KVM_RUN, 0) < 0)
            err(1, "KVM_RUN");
        switch (kvm_run->exit_reason) {
        case KVM_EXIT_IO:
            if (kvm_run->io.port != TEST_PORT || kvm_run->io.direction != KVM_EXIT_IO_OUT)
                errx(1, "access to port %#x", kvm_run->io.port);
            count -= kvm_run->io.count;
            break;
        default:
            errx(1, "exit reason %u", kvm_run->exit_reason);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: exits PAYLOAD");

    struct kvm_run *kvm_run;
    int vcpu = create_guest(argv[1], &kvm_run);
    run(vcpu, kvm_run, 1);
    puts("ready");
    fflush(stdout);

    unsigned long long count;
    while (scanf(" run %llu", &count) == 1) {
        uint64_t start = now();
        run(vcpu, kvm_run, count);
        printf("ns %llu\n", (unsigned long long)(now() - start));
        fflush(stdout);
    }
    return 0;
}
