"""One child at a time on a machine: whoever came first is next, whatever becomes of the others."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from profiles.uploads.turns import Busy, turn

ROOT = Path(__file__).parents[3]

HOLD = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from profiles.uploads.turns import turn
with turn("test", 10):
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Turns of this test's own, whoever else uploads on this machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(folder):
    """Another process that has the turn."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"holding\n"
    yield process
    process.kill()
    process.communicate()


def test_the_turn_is_free_again_afterwards(folder):
    for _ in range(3):
        with turn("test", 0):
            pass

    [tickets] = folder.iterdir()
    assert not list(filter(str.isdecimal, os.listdir(tickets)))


def test_a_folder_of_somebody_elses_is_not_used(folder, monkeypatch):
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)

    with pytest.raises(PermissionError, match="belongs to somebody else"), turn("test", 0):
        pass


def test_an_error_gives_the_turn_up():
    with pytest.raises(ZeroDivisionError), turn("test", 0):
        raise ZeroDivisionError

    with turn("test", 0):
        pass


def test_another_process_keeps_one_waiting(holder):
    with pytest.raises(Busy), turn("test", 0.1):
        pass

    holder.communicate(b"")
    with turn("test", 0):
        pass


def test_turns_of_another_name_are_others(holder):
    with turn("other", 0):
        pass


def test_a_killed_process_keeps_nobody_waiting(holder, folder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    left_behind = list(folder.glob("test-*/0*"))

    with turn("test", 0):
        assert left_behind
        assert not any(path.exists() for path in left_behind)


def test_one_who_gives_up_is_not_waited_for(holder):
    """The next in the queue is behind the holder alone."""
    with pytest.raises(Busy), turn("test", 0):
        pass
    holder.communicate(b"")

    with turn("test", 0):
        pass


def test_first_come_first_served(folder):
    order, threads = [], []

    def wait(number):
        with turn("test", 20):
            order.append(number)

    with turn("test", 0):
        for number in range(6):
            threads.append(threading.Thread(target=wait, args=[number]))
            threads[-1].start()
            while len(list(folder.glob("test-*/0*"))) < number + 2:
                pass
    for thread in threads:
        thread.join()

    assert order == list(range(6))
