"""A command's run in a process of its own, measured: how long it took, and how much memory."""

import contextlib
import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.support.juicefs import end

RUN_SECONDS = 1800
SAMPLE_SECONDS = 0.02


class Run(NamedTuple):
    seconds: float
    processor: float  # its own processor time, in seconds
    inside: float | None  # of the seconds, those within the command, of copy_live_media only
    megabytes: float  # at the peak
    is_fine: bool
    server: float = 0.0  # the processor time of the S3 server meanwhile


def measured(command: list[str], environ: dict[str, str], log: Path) -> Run:
    """Run a command to its end, or to RUN_SECONDS."""
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environ, stdout=output, stderr=output, start_new_session=True
        )
        timer = threading.Timer(RUN_SECONDS, end, [process])
        timer.start()
        peak = Peak(process.pid)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - started
        finally:
            timer.cancel()
            end(process)
    last = (log.read_text(errors="replace").splitlines() or [""])[-1].split()
    inside = float(last[1]) if last[:1] == ["inside"] else None
    megabytes = peak.kilobytes / 1024 or usage.ru_maxrss / 1024**2  # of macOS, in bytes
    processor = usage.ru_utime + usage.ru_stime
    return Run(seconds, processor, inside, megabytes, process.returncode == 0)


class Peak(threading.Thread):
    """Follows a process's peak memory, of itself alone, to its end.

    What wait4 tells is on Linux never less than this process had when it started the other.
    """

    kilobytes = 0

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.status = Path(f"/proc/{pid}/status")
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while match := re.search(r"VmHWM:\s+(\d+) kB", self.status.read_text()):
                self.kilobytes = int(match[1])
                time.sleep(SAMPLE_SECONDS)
