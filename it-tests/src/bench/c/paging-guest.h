// SPDX-License-Identifier: Apache-2.0
/*
 * What the reference programs about missing pages share: a guest whose vCPUs read a word of each
 * page of a memory, each vCPU its part, and the loop that serves them by messages.
 */
#pragma once

#define _GNU_SOURCE
#include "guest.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

enum { PAGE = 4096, CODE = 0x1000, LOW_SIZE = 1 << 20, DIRECTORIES = 2, MAX_VCPUS = 64 };
enum { USER = 4, CR0_WP = 0x10000, IO_PRIVILEGE_3 = 3 << 12 };
static const uint64_t BASE = 64 << 20;

/* The guest: RBX base of memory, RDI number of the first page, RCX how many, RAX the sum. */
static const uint8_t PROGRAM[] = {
    0x48, 0x89, 0xFE,       /* next: mov rsi, rdi */
    0x48, 0xC1, 0xE6, 0x0C, /*       shl rsi, 12 */
    0x48, 0x01, 0xDE,       /*       add rsi, rbx */
    0x48, 0x03, 0x06,       /*       add rax, [rsi] */
    0x48, 0xFF, 0xC7,       /*       inc rdi */
    0x48, 0xFF, 0xC9,       /*       dec rcx */
    0x75, 0xEB,             /*       jnz next */
    0xE6, 0x10,             /*       out 0x10, al */
};

static int ring;

static int open_uffd(uint64_t features)
{
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    int fd = device < 0 ? syscall(SYS_userfaultfd, O_CLOEXEC)
                        : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    if (fd < 0)
        err(1, "userfaultfd");
    close(device);
    struct uffdio_api api = { .api = UFFD_API, .features = features };
    control(fd, UFFDIO_API, &api, "UFFDIO_API");
    return fd;
}

static void track(int uffd, char *at, size_t length, unsigned long mode)
{
    struct uffdio_register range = { .range = { (uintptr_t)at, length }, .mode = mode };
    control(uffd, UFFDIO_REGISTER, &range, "UFFDIO_REGISTER");
}

static void copy_page(int uffd, const char *to, const char *from, int mode)
{
    struct uffdio_copy copy = {
        .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = PAGE, .mode = mode,
    };
    control(uffd, UFFDIO_COPY, &copy, "UFFDIO_COPY");
}

static char *map(int flags, int fd, size_t length)
{
    char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED)
        err(1, "mmap");
    return at;
}

/* Code and page tables that map the first 2 GiB one to one. */
static uint8_t *low_memory(void)
{
    uint8_t *low = (uint8_t *)map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, LOW_SIZE);
    int rights = PRESENT_WRITABLE | USER;
    memcpy(low + CODE, PROGRAM, sizeof PROGRAM);
    *(uint64_t *)(low + PML4) = PDPT | rights;
    for (uint64_t i = 0; i < DIRECTORIES; i++)
        ((uint64_t *)(low + PDPT))[i] = (PAGE_DIRECTORY + i * PAGE) | rights;
    for (uint64_t i = 0; i < DIRECTORIES * 512; i++)
        ((uint64_t *)(low + PAGE_DIRECTORY))[i] = i << 21 | rights | LARGE;
    return low;
}

static void add_slot(int vm, int slot, uint64_t gpa, void *at, size_t length)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot, .guest_phys_addr = gpa, .memory_size = length,
        .userspace_addr = (uintptr_t)at,
    };
    control(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

static struct kvm_segment segment(int type, int is_code)
{
    struct kvm_segment it = flat((is_code ? 0x30 : 0x28) | ring, type, is_code);
    it.dpl = ring;
    return it;
}

struct vcpu { int fd; struct kvm_run *run; pthread_t thread; };

static void create_vcpu(int kvm, int vm, int number, uint64_t first, uint64_t count,
                        struct vcpu *vcpu)
{
    vcpu->fd = control(vm, KVM_CREATE_VCPU, (void *)(uintptr_t)number, "KVM_CREATE_VCPU");
    int run_size = control(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
    vcpu->run = (void *)map(MAP_SHARED, vcpu->fd, run_size);
    static struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[MAX_CPUID_ENTRIES]; } cpuid;
    cpuid.head.nent = MAX_CPUID_ENTRIES;
    control(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid, "KVM_GET_SUPPORTED_CPUID");
    control(vcpu->fd, KVM_SET_CPUID2, &cpuid, "KVM_SET_CPUID2");
    struct kvm_sregs sregs;
    control(vcpu->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
    sregs.cs = segment(11, 1);
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(3, 0);
    sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    sregs.cr3 = PML4;
    sregs.cr4 = CR4_PAE;
    sregs.efer = EFER_LME_LMA;
    control(vcpu->fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
    struct kvm_regs regs = {
        .rip = CODE, .rflags = 2 | IO_PRIVILEGE_3, .rbx = BASE, .rdi = first, .rcx = count,
    };
    control(vcpu->fd, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

/* A machine whose vCPUs share out the pages of the memory among themselves. */
struct machine { int kvm, vm, vcpus; uint8_t *low; struct vcpu vcpu[MAX_VCPUS]; };

static void create_machine(struct machine *it, int vcpus, char *paged, long pages)
{
    it->vcpus = vcpus;
    it->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (it->kvm < 0)
        err(1, "/dev/kvm");
    it->vm = control(it->kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
    it->low = low_memory();
    add_slot(it->vm, 0, 0, it->low, LOW_SIZE);
    add_slot(it->vm, 1, BASE, paged, pages * PAGE);
    for (int i = 0; i < vcpus; i++) {
        long first = pages * i / vcpus;
        create_vcpu(it->kvm, it->vm, i, first, pages * (i + 1) / vcpus - first, &it->vcpu[i]);
    }
}

/* Starts a thread for each vCPU. */
static void start_vcpus(struct machine *it, void *(*run)(void *vcpu))
{
    for (int i = 0; i < it->vcpus; i++)
        if (pthread_create(&it->vcpu[i].thread, NULL, run, &it->vcpu[i]) != 0)
            errx(1, "pthread_create");
}

static void join_vcpus(struct machine *it)
{
    for (int i = 0; i < it->vcpus; i++)
        pthread_join(it->vcpu[i].thread, NULL);
}

static void close_machine(struct machine *it)
{
    int run_size = control(it->kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
    for (int i = 0; i < it->vcpus; i++) {
        munmap(it->vcpu[i].run, run_size);
        close(it->vcpu[i].fd);
    }
    close(it->vm);
    close(it->kvm);
    munmap(it->low, LOW_SIZE);
}

static void *run(void *argument)
{
    struct vcpu *vcpu = argument;
    do
        control(vcpu->fd, KVM_RUN, 0, "KVM_RUN");
    while (vcpu->run->exit_reason == KVM_EXIT_INTR);
    if (vcpu->run->exit_reason != KVM_EXIT_IO)
        errx(1, "exit reason %u", vcpu->run->exit_reason);
    return NULL;
}

/*
 * Nanoseconds until the guest has read all pages, each of which one thread puts in place when its
 * message comes; with MINOR, pages of a memfd.
 */
static int64_t faults(int vcpus, long pages, int minor)
{
    size_t length = pages * PAGE;
    int file = minor ? memfd_create("bench", 0) : -1;
    if (minor && ftruncate(file, length) < 0)
        err(1, "ftruncate");
    char *paged = map(minor ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file, length);
    char *alias = minor ? map(MAP_SHARED, file, length) : NULL;
    static char source[PAGE];
    memset(source, 1, PAGE);
    madvise(paged, length, MADV_NOHUGEPAGE);
    int uffd = open_uffd(UFFD_FEATURE_THREAD_ID);
    track(uffd, paged, length, minor ? UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR
                                     : UFFDIO_REGISTER_MODE_MISSING);
    struct machine machine;
    create_machine(&machine, vcpus, paged, pages);
    int64_t start = now();
    start_vcpus(&machine, run);
    for (long page = 0; page < pages; page++) {
        struct uffd_msg message;
        if (read(uffd, &message, sizeof message) != sizeof message)
            err(1, "read");
        char *at = (char *)(uintptr_t)message.arg.pagefault.address;
        if (minor) {
            memcpy(alias + (at - paged), source, PAGE);
            struct uffdio_continue map_it = { .range = { (uintptr_t)at, PAGE } };
            control(uffd, UFFDIO_CONTINUE, &map_it, "UFFDIO_CONTINUE");
        } else {
            copy_page(uffd, at, source, 0);
        }
    }
    join_vcpus(&machine);
    int64_t took = now() - start;
    close_machine(&machine);
    close(uffd);
    munmap(paged, length);
    if (minor) {
        munmap(alias, length);
        close(file);
    }
    return took;
}
