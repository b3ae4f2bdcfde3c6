"""The limits under which a child process parses an upload; children alone import this.

What needs no privileges, and therefore works on any host: limits of the kernel on memory, processor
time, output and files, and, on Linux, a filter that leaves the child a few dozen system calls. With
RLIMIT_NOFILE at 0 no file and no socket can be opened even where the filter is not to be had.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import struct
import sys

MEGABYTE = 1024 * 1024
NICENESS = 5  # the site's own threads come first

# System calls by number (x86_64, aarch64), from Linux's unistd_64.h and asm-generic/unistd.h:
# memory, reading and writing what is open already, time, threads' locks, signals, and the end.
ALLOWED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "lseek": (8, 62), "fstat": (5, 80),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216),
    "brk": (12, 214), "madvise": (28, 233), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "sigaltstack": (131, 132), "futex": (202, 98),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getpid": (39, 172),
    "gettid": (186, 178), "tgkill": (234, 131), "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115), "getrandom": (318, 278), "getrusage": (98, 165),
    "sysinfo": (99, 179), "exit": (60, 93), "exit_group": (231, 94),
    "set_robust_list": (273, 99), "rseq": (334, 293),
}  # fmt: skip
# A library's thread is allowed, a process is not. clone3 keeps its flags where no filter can read
# them; told that there is none, the C library calls clone.
CLONE, CLONE3, CLONE_THREAD = (56, 220), 435, 0x00010000
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, AUDIT_ARCH_*

# <linux/filter.h>, <linux/seccomp.h> and <linux/prctl.h>
LOAD, JUMP_IF_EQUAL, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET, FLAGS_OFFSET = 0, 4, 16  # in struct seccomp_data
SECCOMP_ALLOW, SECCOMP_ERRNO = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38


class FilterProgram(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def confine(*, cpu_seconds: float, memory_bytes: int, output_bytes: int) -> None:
    """Take from this process all that parsing does not need; permanently, and for its threads.

    To be called when everything is imported and the upload is read. Beyond `cpu_seconds` of
    processor time or `output_bytes` written a signal ends the process; an allocation beyond
    `memory_bytes` fails.
    """
    os.nice(NICENESS)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)  # RLIMIT_CPU knows whole seconds alone
    whole_seconds = int(cpu_seconds) + 1
    for limit, value in (
        (resource.RLIMIT_CPU, whole_seconds),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, output_bytes),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    filter_system_calls()


def report(parts: dict[str, bytes] | None = None, **found) -> None:
    """Write what was found out, and files that were made, for sandbox.py to read."""
    parts = parts or {}
    found["parts"] = {name: len(content) for name, content in parts.items()}
    sys.stdout.buffer.write(json.dumps(found).encode() + b"\n" + b"".join(parts.values()))
    sys.stdout.buffer.flush()


def filter_system_calls() -> bool:
    """Have every system call that is not in ALLOWED fail with EPERM; False where that cannot be."""
    if platform.system() != "Linux" or platform.machine() not in ARCHITECTURES:
        return False
    instructions = filter_instructions(platform.machine())
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    prctl = ctypes.CDLL(None).prctl
    argument = FilterProgram(len(instructions), code)
    return (
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        and prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(argument)) == 0
    )


def filter_instructions(machine: str) -> list[tuple[int, int, int, int]]:
    """Return the filter for a machine of ARCHITECTURES: the four fields of each struct sock_filter.

    A jump skips as many instructions as its second field says where the condition holds, and else
    as many as its third.
    """
    column, architecture = ARCHITECTURES[machine]
    numbers = [call[column] for call in ALLOWED.values()]
    allowed = len(numbers) + 5  # where that ending stands, counted from the first number
    return [
        (LOAD, 0, 0, ARCHITECTURE_OFFSET),
        (JUMP_IF_EQUAL, 0, allowed, architecture),
        (LOAD, 0, 0, NUMBER_OFFSET),
        *((JUMP_IF_EQUAL, allowed - i - 1, 0, number) for i, number in enumerate(numbers)),
        (JUMP_IF_EQUAL, 0, 2, CLONE[column]),
        (LOAD, 0, 0, FLAGS_OFFSET),
        (JUMP_IF_SET, 2, 1, CLONE_THREAD),
        (JUMP_IF_EQUAL, 2, 0, CLONE3),
        (RETURN, 0, 0, SECCOMP_ERRNO | errno.EPERM),
        (RETURN, 0, 0, SECCOMP_ALLOW),
        (RETURN, 0, 0, SECCOMP_ERRNO | errno.ENOSYS),
    ]
