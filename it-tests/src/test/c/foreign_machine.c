// SPDX-License-Identifier: Apache-2.0
/*
 * A machine with page faults to be served, as old and changed monitors hand them over: with no field
 * for the page size (Firecracker until 1.6), with a second descriptor in the message, and closing
 * the socket right behind it. It shares no code with jvmm and knows nothing of it.
 *
 *   foreign_machine SOCKET FILE
 *
 * Touches every page and compares it with the file: prints "right", and waits for its standard
 * input's end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void hand_over(const char *path, const char *json, const int descriptors[2])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0)
        fail(path);
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec data = {(void *)json, strlen(json)};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, 2 * sizeof(int));
    if (sendmsg(connection, &message, 0) < 0)
        fail("sendmsg");
    close(connection);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: foreign_machine SOCKET FILE\n");
        return 2;
    }
    int file = open(argv[2], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) < 0)
        fail(argv[2]);
    size_t size = status.st_size;
    const char *wanted = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (wanted == MAP_FAILED || memory == MAP_FAILED)
        fail("mmap");
    int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {.range = {(uintptr_t)memory, size},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) < 0 || ioctl(uffd, UFFDIO_REGISTER, &range) < 0)
        fail("userfaultfd");
    char json[256];
    snprintf(json, sizeof json, "[{\"base_host_virt_addr\":%llu,\"size\":%zu,\"offset\":0}]",
             (unsigned long long)(uintptr_t)memory, size);
    hand_over(argv[1], json, (int[]){uffd, file});
    for (size_t at = 0; at < size; at += 4096)
        if (memcmp(memory + at, wanted + at, 4096)) {
            printf("wrong at 0x%zx\n", at);
            return 1;
        }
    puts("right");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
