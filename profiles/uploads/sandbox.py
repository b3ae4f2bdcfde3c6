"""Parses an upload in a child process with limits: no byte of it is parsed in the site's own.

Only the limits of a process hold: 33 kB of PDF made a library take 2.3 GB within the limits that it
could be given, and 3 kB of AVIF can hold a frame of 268 megapixels. The child is started lean
(`python -I -S`, no Django), imports what the upload needs, gives up its rights (confinement.py),
and parses. Upload and results travel in files, so that the site's process holds neither.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.core.files import File
from django.core.files.base import ContentFile

from .turns import Busy, turn

FOLDER = Path(__file__).parent
# A child takes up to 300 MB, and a dyno has 512: one at a time on each machine.
QUEUE = "portal-uploads"
WAIT_SECONDS = 12  # with the work itself, and storing, well within the 30 of Heroku's router
WORK_SECONDS = 10  # by the clock, for a machine that is busy; the limit on work is the child's

# All that a child is told of the environment, where hosts keep Python's own library. Keys of the
# site in its memory could leave it in what it writes: a picture, or a text.
VARIABLES = {"LD_LIBRARY_PATH"}
LIBRARIES = ("PIL", "pi_heif", "pypdfium2_raw", "python_calamine")

TOO_COMPLEX = {"verdict": "too_complex"}


class Parsed(NamedTuple):
    """What a child made of an upload."""

    report: dict  # "verdict", and what else the child found out
    parts: dict[str, ContentFile]  # the files that it made, by name


def parse(child: str, file: File, **request) -> Parsed:
    """Have a child program of this folder parse a file.

    `request` is what the child is told beside the file. The verdict is `too_complex` where the
    child came to a limit before it had one. Raises Busy if others take too long.
    """
    with (
        turn(QUEUE, WAIT_SECONDS),
        readable(file) as upload,
        tempfile.TemporaryFile() as output,
    ):
        process = subprocess.Popen(  # noqa: S603 (our own code; the upload is data on its input)
            [sys.executable, "-I", "-S", FOLDER / f"{child}.py", json.dumps(request), *packages()],
            stdin=upload,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name in VARIABLES},
        )
        try:
            returncode = process.wait(WORK_SECONDS)
            is_in_time = True
        except subprocess.TimeoutExpired:
            process.kill()
            returncode, is_in_time = process.wait(), False
        output.seek(0)
        report, parts = read_output(output)
    if not is_in_time and not report:  # or it would have come to its limit on processor time
        raise Busy
    if returncode > 0 and not report:  # not stopped at a limit, nor crashed: our own mistake
        raise subprocess.CalledProcessError(returncode, child)
    return Parsed(report or TOO_COMPLEX, parts)


def packages() -> list[str]:
    """The folders that a child imports from: this one, and where the libraries are installed."""
    found = filter(None, map(find_spec, LIBRARIES))
    installed = {str(Path(spec.origin).parents[1]) for spec in found if spec.origin}
    return [str(FOLDER), *sorted(installed)]


@contextlib.contextmanager
def readable(file: File) -> Iterator[BinaryIO]:
    """The file as one of the operating system's, at its beginning; the child may only read it."""
    path = getattr(file, "temporary_file_path", None)
    if path:
        with open(path(), "rb") as upload:
            yield upload
        return
    with tempfile.TemporaryFile() as upload:
        for chunk in file.chunks():
            upload.write(chunk)
        upload.seek(0)
        yield upload


def read_output(output: BinaryIO) -> Parsed:
    """Read what a child has written: lines of JSON, each before the parts whose sizes it names.

    What a child that was stopped has left unfinished is ignored.
    """
    report, parts = {}, {}
    while (line := output.readline()).endswith(b"\n"):
        found = json.loads(line)
        sizes = found.pop("parts", {})
        contents = {name: output.read(size) for name, size in sizes.items()}
        if any(len(contents[name]) < size for name, size in sizes.items()):
            break
        report |= found
        parts |= {name: ContentFile(content, name=name) for name, content in contents.items()}
    return Parsed(report, parts)
