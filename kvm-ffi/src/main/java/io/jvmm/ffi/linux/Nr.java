// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

/** System call numbers of x86-64, {@code __NR_*} in {@code asm/unistd_64.h}. */
final class Nr {

    static final long READ = 0;
    static final long WRITE = 1;
    static final long CLOSE = 3;
    static final long POLL = 7;
    static final long LSEEK = 8;
    static final long MMAP = 9;
    static final long MUNMAP = 11;
    static final long RT_SIGACTION = 13;
    static final long RT_SIGPROCMASK = 14;
    static final long IOCTL = 16;
    static final long PREAD64 = 17;
    static final long PWRITE64 = 18;
    static final long MINCORE = 27;
    static final long MADVISE = 28;
    static final long GETPID = 39;
    static final long SOCKET = 41;
    static final long CONNECT = 42;
    static final long SENDTO = 44;
    static final long SENDMSG = 46;
    static final long RECVMSG = 47;
    static final long SHUTDOWN = 48;
    static final long BIND = 49;
    static final long LISTEN = 50;
    static final long SOCKETPAIR = 53;
    static final long SETSOCKOPT = 54;
    static final long GETSOCKOPT = 55;
    static final long KILL = 62;
    static final long FCNTL = 72;
    static final long FTRUNCATE = 77;
    static final long RT_SIGTIMEDWAIT = 128;
    static final long GETTID = 186;
    static final long SCHED_SETAFFINITY = 203;
    static final long SCHED_GETAFFINITY = 204;
    static final long EPOLL_WAIT = 232;
    static final long EPOLL_CTL = 233;
    static final long TGKILL = 234;
    static final long OPENAT = 257;
    static final long FALLOCATE = 285;
    static final long ACCEPT4 = 288;
    static final long EVENTFD2 = 290;
    static final long EPOLL_CREATE1 = 291;
    static final long DUP3 = 292;
    static final long SCHED_SETATTR = 314;
    static final long SCHED_GETATTR = 315;
    static final long MEMFD_CREATE = 319;
    static final long USERFAULTFD = 323;
    static final long PIDFD_OPEN = 434;

    private Nr() {}
}
