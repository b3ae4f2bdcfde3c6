"""What a child process that parses an upload can still do: a program of the tests tries."""

import json
import os
import platform
import resource
import signal
import subprocess
import sys

import pytest

from profiles.uploads import confinement, sandbox

has_filter = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="the filter of system calls is Linux's",
)

START = """
import errno, json, os, socket, sys, threading
sys.path.insert(0, sys.argv[1])
import confinement
if "floor" in sys.argv:
    confinement.filter_system_calls = lambda: False
confinement.confine(cpu_seconds=0.5, memory_bytes=64 * 1024**2, output_bytes=10_000)
"""

TRY_EVERYTHING = """
def tried(action):
    try:
        action()
    except (OSError, RuntimeError) as error:
        return errno.errorcode.get(getattr(error, "errno", None), "refused")
    return "done"

def start_thread():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()

print(json.dumps({
    "memory": tried(lambda: bytearray(10_000_000)),
    "thread": tried(start_thread),
    "read a file": tried(lambda: open("/etc/hostname")),
    "write a file": tried(lambda: open("/tmp/portal-test", "w")),
    "delete a file": tried(lambda: os.unlink("/tmp/portal-test")),
    "socket": tried(socket.socket),
    "local socket": tried(socket.socketpair),
    "process": tried(os.fork),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
}))
"""


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", START + program, str(sandbox.FOLDER), *arguments],
        capture_output=True,
        check=False,
        timeout=30,
    )


@has_filter
def test_computes_and_does_nothing_else():
    """Memory and a thread are the controls: libheif decodes in one."""
    tried = json.loads(run(TRY_EVERYTHING).stdout)

    assert {name for name, outcome in tried.items() if outcome == "done"} == {"memory", "thread"}
    assert set(tried.values()) == {"done", "EPERM"}


def test_opens_nothing_even_where_there_is_no_filter():
    """The floor, which any kernel has: no file and no socket gets a number."""
    without_processes = TRY_EVERYTHING.replace("os.fork", "int").replace(
        "os.execv", "dict.fromkeys"
    )

    tried = json.loads(run(without_processes, "floor").stdout)

    for attempt in ("read a file", "write a file", "socket", "local socket"):
        assert tried[attempt] == "EMFILE", attempt
    assert tried["memory"] == "done"


def test_ends_after_its_processor_time():
    assert run("while True: pass").returncode == -signal.SIGPROF


def test_gets_no_more_memory():
    done = run("try: bytearray(100_000_000)\nexcept MemoryError: print('no')")

    assert done.stdout == b"no\n"


def test_writes_no_more_than_it_may(tmp_path):
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", START + "print('x' * 20_000)", sandbox.FOLDER],
            stdout=out,
            check=False,
            timeout=30,
        )

    assert done.returncode == -signal.SIGXFSZ
    assert (tmp_path / "out").stat().st_size == 10_000


# From Linux's tables of system calls: those that a parser needs, in the order of ALLOWED.
X86_64 = """0 1 3 8 5 9 10 11 25 12 28 13 14 15 131 202 24 204 39 186 234 228 230 318 98 99 60 231
273 334"""
AARCH64 = """63 64 57 62 80 222 226 215 216 214 233 134 135 139 132 98 124 123 172 178 131 113 115
278 165 179 93 94 99 293"""
ALLOW, NOT_PERMITTED, NOT_THERE = 0x7FFF0000, 0x00050001, 0x00050026


def answer(machine, number, *, flags=0, architecture=None) -> int:
    """Run a filter as the kernel does, and return its answer to one system call."""
    program, position, value = confinement.filter_instructions(machine), 0, 0
    own = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    data = {0: number, 4: architecture or own, 16: flags}
    while True:
        code, if_so, if_not, operand = program[position]
        position += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            value = data[operand]
        else:
            is_so = value == operand if code == 0x15 else value & operand
            position += if_so if is_so else if_not


@pytest.mark.parametrize(
    ("machine", "allowed", "clone"), [("x86_64", X86_64, 56), ("aarch64", AARCH64, 220)]
)
def test_the_filter_of_each_machine_lets_these_calls_through(machine, allowed, clone):
    answers = {number: answer(machine, number) for number in range(500)}

    assert {number for number, found in answers.items() if found == ALLOW} == {
        int(number) for number in allowed.split()
    }
    assert {number for number, found in answers.items() if found == NOT_THERE} == {435}
    assert set(answers.values()) == {ALLOW, NOT_PERMITTED, NOT_THERE}
    assert answer(machine, clone, flags=0x10000) == ALLOW, "a thread"
    assert answer(machine, clone, flags=~0x10000) == NOT_PERMITTED, "a process"
    first = int(allowed.split()[0])
    assert answer(machine, first, architecture=0x40000003) == NOT_PERMITTED, "of 32 bits"


def test_each_limit_is_set_once_and_cannot_be_raised_again(monkeypatch):
    limits, done = {}, []
    monkeypatch.setattr(os, "nice", done.append)
    monkeypatch.setattr(signal, "signal", lambda *of: done.append(of))
    monkeypatch.setattr(signal, "setitimer", lambda *of: done.append(of))
    monkeypatch.setattr(resource, "setrlimit", lambda limit, values: limits.update({limit: values}))
    monkeypatch.setattr(confinement, "filter_system_calls", lambda: done.append("the filter"))

    confinement.confine(cpu_seconds=2.5, memory_bytes=300, output_bytes=200)

    assert limits == {
        resource.RLIMIT_CPU: (3, 3),
        resource.RLIMIT_DATA: (300, 300),
        resource.RLIMIT_FSIZE: (200, 200),
        resource.RLIMIT_NOFILE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    assert done == [
        5,
        (signal.SIGXFSZ, signal.SIG_DFL),
        (signal.ITIMER_PROF, 2.5),
        "the filter",
    ]
