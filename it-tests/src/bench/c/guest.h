// SPDX-License-Identifier: Apache-2.0
/*
 * The guest of the reference programs: the least virtual machine that runs a payload, with
 * interrupt controllers, 16 MiB of memory and one vCPU.
 */
#pragma once

#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    TEST_PORT = 0x500,
    MEMORY_SIZE = 16 << 20,
    REAL_MODE_ENTRY = 0x1000,
    /* Guest-physical places below 1 MiB, where no payload lies. */
    GDT = 0x2000,
    PML4 = 0x3000,
    PDPT = 0x4000,
    PAGE_DIRECTORY = 0x5000,
    ZERO_PAGE = 0x7000,
    MAX_CPUID_ENTRIES = 256,
};

/* Page table entries and control registers, as the processor defines them. */
enum { PRESENT_WRITABLE = 3, LARGE = 0x80 };
enum { CR0_PE = 1, CR0_MP = 2, CR0_ET = 0x10, CR0_NE = 0x20, CR4_PAE = 0x20, EFER_LME_LMA = 0x500 };
#define CR0_PG 0x80000000ul

static uint8_t *memory;

static int control(int fd, unsigned long request, void *argument, const char *name)
{
    int result = ioctl(fd, request, argument);
    if (result < 0)
        err(1, "%s", name);
    return result;
}

/* Copies the image to its place and returns where it is entered. */
static uint64_t load(const char *path, int *long_mode)
{
    static uint8_t image[1 << 20];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, image, sizeof image);
    if (size < 0)
        err(1, "%s", path);
    close(fd);

    const Elf64_Ehdr *elf = (const void *)image;
    *long_mode = size > (ssize_t)sizeof *elf && memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0;
    if (!*long_mode) {
        memcpy(memory + REAL_MODE_ENTRY, image, size);
        return REAL_MODE_ENTRY;
    }
    const Elf64_Phdr *segment = (const void *)(image + elf->e_phoff);
    for (int i = 0; i < elf->e_phnum; i++, segment++) {
        if (segment->p_type != PT_LOAD)
            continue;
        if (segment->p_paddr + segment->p_memsz > MEMORY_SIZE
            || segment->p_offset + segment->p_filesz > (uint64_t)size)
            errx(1, "%s: segment %d does not fit", path, i);
        memcpy(memory + segment->p_paddr, image + segment->p_offset, segment->p_filesz);
    }
    return elf->e_entry;
}

static struct kvm_segment flat(int selector, int type, int is_code)
{
    return (struct kvm_segment){
        .limit = 0xffffffff, .selector = selector, .type = type, .present = 1,
        .s = 1, .g = 1, .l = is_code, .db = !is_code,
    };
}

static void enter_real_mode(int vcpu, uint64_t entry)
{
    struct kvm_sregs sregs;
    control(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    control(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
    struct kvm_regs regs = {.rip = entry, .rflags = 2};
    control(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

/* Linux's 64-bit boot protocol: one-to-one page tables, flat segments, RSI = zero page. */
static void enter_long_mode(int vcpu, uint64_t entry)
{
    uint64_t *gdt = (void *)(memory + GDT);
    gdt[2] = 0x00af9b000000ffff;
    gdt[3] = 0x00cf93000000ffff;
    *(uint64_t *)(memory + PML4) = PDPT | PRESENT_WRITABLE;
    *(uint64_t *)(memory + PDPT) = PAGE_DIRECTORY | PRESENT_WRITABLE;
    for (uint64_t i = 0; i < 512; i++)
        ((uint64_t *)(memory + PAGE_DIRECTORY))[i] = i << 21 | PRESENT_WRITABLE | LARGE;

    struct kvm_sregs sregs;
    control(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
    sregs.cs = flat(0x10, 11, 1);
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(0x18, 3, 0);
    sregs.gdt.base = GDT;
    sregs.gdt.limit = 4 * 8 - 1;
    sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_PG;
    sregs.cr3 = PML4;
    sregs.cr4 = CR4_PAE;
    sregs.efer = EFER_LME_LMA;
    control(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
    struct kvm_regs regs = {.rip = entry, .rsi = ZERO_PAGE, .rflags = 2};
    control(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Makes a machine of the payload, ready to run; gives the vCPU and the page shared with it. */
__attribute__((unused)) /* paging.c makes one of its own */
static int create_guest(const char *payload, struct kvm_run **page)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        err(1, "/dev/kvm");
    int vm = control(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
    uint64_t identity_map = 0xfeffc000;
    control(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map, "KVM_SET_IDENTITY_MAP_ADDR");
    control(vm, KVM_SET_TSS_ADDR, (void *)(identity_map + 0x1000), "KVM_SET_TSS_ADDR");
    control(vm, KVM_CREATE_IRQCHIP, 0, "KVM_CREATE_IRQCHIP");
    struct kvm_pit_config pit = {0};
    control(vm, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2");

    memory = mmap(0, MEMORY_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        err(1, "mmap of guest memory");
    struct kvm_userspace_memory_region region = {
        .memory_size = MEMORY_SIZE, .userspace_addr = (uintptr_t)memory,
    };
    control(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");

    int vcpu = control(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
    int run_size = control(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
    *page = mmap(0, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (*page == MAP_FAILED)
        err(1, "mmap of kvm_run");
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof *cpuid + MAX_CPUID_ENTRIES * sizeof cpuid->entries[0]);
    cpuid->nent = MAX_CPUID_ENTRIES;
    control(kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID");
    control(vcpu, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");

    int long_mode;
    uint64_t entry = load(payload, &long_mode);
    if (long_mode)
        enter_long_mode(vcpu, entry);
    else
        enter_real_mode(vcpu, entry);
    return vcpu;
}
