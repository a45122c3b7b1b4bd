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

static int open_uffd(void)
{
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    int fd = device < 0 ? syscall(SYS_userfaultfd, O_CLOEXEC)
                        : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    if (fd < 0)
        err(1, "userfaultfd");
    close(device);
    struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_THREAD_ID };
    control(fd, UFFDIO_API, &api, "UFFDIO_API");
    return fd;
}

static void track(int uffd, char *at, size_t length, unsigned long mode)
{
    struct uffdio_register range = { .range = { (uintptr_t)at, length }, .mode = mode };
    control(uffd, UFFDIO_REGISTER, &range, "UFFDIO_REGISTER");
}

static void copy_page(int uffd, const char *to, const char *from)
{
    struct uffdio_copy copy = { .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = PAGE };
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
    int uffd = open_uffd();
    track(uffd, paged, length, minor ? UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR
                                     : UFFDIO_REGISTER_MODE_MISSING);
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        err(1, "/dev/kvm");
    int vm = control(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
    uint8_t *low = low_memory();
    add_slot(vm, 0, 0, low, LOW_SIZE);
    add_slot(vm, 1, BASE, paged, length);
    struct vcpu all[MAX_VCPUS];
    for (int i = 0; i < vcpus; i++)
        create_vcpu(kvm, vm, i, pages * i / vcpus, pages * (i + 1) / vcpus - pages * i / vcpus,
                    &all[i]);
    int64_t start = now();
    for (int i = 0; i < vcpus; i++)
        if (pthread_create(&all[i].thread, NULL, run, &all[i]) != 0)
            errx(1, "pthread_create");
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
            copy_page(uffd, at, source);
        }
    }
    for (int i = 0; i < vcpus; i++)
        pthread_join(all[i].thread, NULL);
    int64_t took = now() - start;
    int run_size = control(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
    for (int i = 0; i < vcpus; i++) {
        munmap(all[i].run, run_size);
        close(all[i].fd);
    }
    close(vm);
    close(kvm);
    close(uffd);
    munmap(low, LOW_SIZE);
    munmap(paged, length);
    if (minor) {
        munmap(alias, length);
        close(file);
    }
    return took;
}

static int64_t fill(int file, size_t length, int mapped)
{
    static char buffer[PAGE];
    char *filled = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, length);
    char *source = mapped
        ? mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0) : buffer;
    if (source == MAP_FAILED)
        err(1, "mmap");
    madvise(filled, length, MADV_NOHUGEPAGE);
    int uffd = open_uffd();
    track(uffd, filled, length, UFFDIO_REGISTER_MODE_MISSING);
    int64_t start = now();
    for (size_t at = 0; at < length; at += PAGE) {
        if (!mapped && pread(file, buffer, PAGE, at) != PAGE)
            err(1, "pread");
        copy_page(uffd, filled + at, mapped ? source + at : buffer);
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
