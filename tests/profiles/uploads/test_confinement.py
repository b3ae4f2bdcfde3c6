"""What a child process that parses an upload can still do: a program of the tests tries."""

import json
import platform
import signal
import subprocess
import sys

import pytest

from profiles.uploads import sandbox

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
