"""A run of the copy engine in a process of its own, to be killed or to measure its memory.

python -m tests.support.copy_in_a_process copy ROUTE.json JOBS   prints a line for each outcome
python -m tests.support.copy_in_a_process count NUMBER           prints the number and the MB
"""

import json
import sys
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from portal.copying.engine import copy
from portal.copying.folder_store import Folder
from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import FileInfo, Page


def store(about, kind):
    if "path" in about:
        storage = FileSystemStorage(
            about["path"], file_permissions_mode=0o644, directory_permissions_mode=0o755
        )
        return Folder(storage)
    return kind(prefix="media", **about)


class Numbers:
    """A store with any number of invented files; the first 5,000 differ by `etag`."""

    lists, keeps_time, single_bytes = True, False, 2**40

    def __init__(self, number, etag):
        self.number, self.etag = number, etag

    def page(self, after):
        digits = after.removeprefix("avatars/").rstrip("/~")
        first = int(digits.ljust(7, "0")) + (len(digits) == 7)
        page = range(first, min(first + 1000, self.number))
        names = [f"avatars/{number:07}" for number in page]
        files = ((name, self.find(name)) for name in names)
        return Page(files, names[-1], page.stop == self.number)

    def find(self, name):
        number = int(name[-7:])
        return FileInfo(number, 0, f"{self.etag if number < 5000 else 0:032}")

    def can_copy_from(self, source):
        return True

    def may_read(self, source, name):
        return True

    def copy(self, name, source):
        return source.find(name).etag


def main(action, *arguments):
    if action == "copy":
        live, staging, names = json.loads(Path(arguments[0]).read_text())
        wanted, ends = (
            ((name, None) for name in names),
            (store(live, S3Source), store(staging, S3Target)),
        )
        for outcome in copy(wanted, *ends, jobs=int(arguments[1])):
            print(outcome.name, flush=True)
    else:
        number = int(arguments[0])
        wanted = ((f"avatars/{n:07}", None) for n in range(number))
        seen = sum(1 for _ in copy(wanted, Numbers(number, 1), Numbers(number, 2)))
        # Not RUSAGE_SELF: it begins with the peak of the process that started this one.
        peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
        print(seen, int(peak) // 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
