"""`make corpus`: the upload rules over the generators, or over any folder, with verdicts and costs.

make corpus                  # the generators
make corpus DIR=~/downloads  # every file below a folder; none is changed or sent anywhere
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File

from profiles.uploads import sandbox
from profiles.uploads.avatars import clean_avatar
from profiles.uploads.resumes import clean_resume
from profiles.uploads.turns import Busy
from tests.support.corpus.pdfs import pdfs
from tests.support.corpus.photos import photos

MEGABYTE = 1_000_000
VIEWER_SECONDS = 20
SHOW_WITH_PDFIUM = (
    "import sys, pypdfium2; page = pypdfium2.PdfDocument(sys.argv[1])[0];"
    "page.render(scale=200 / max(*page.get_size(), 1)).to_numpy"
)
USAGES = []  # what the last children took


class MeasuredPopen(subprocess.Popen):
    """A child process that tells what it took."""

    def _try_wait(self, flags):
        pid, status, usage = os.wait4(self.pid, flags)
        if pid:
            USAGES.append(usage)
        return pid, status


def main(folder: str = "") -> None:
    sandbox.subprocess.Popen = MeasuredPopen
    outcomes, most_seconds, most_megabytes, conflicts = Counter(), 0, 0, []
    for name, path in files(folder):
        outcome, seconds, megabytes = judged(path)
        is_pdf = path.suffix.lower() == ".pdf"
        shown = {"PDFium": pdfium_shows(path), "poppler": poppler_shows(path)} if is_pdf else {}
        seen = " ".join(viewer for viewer, is_shown in shown.items() if is_shown) or "-"
        print(f"{outcome:16} {seconds:5.2f} s {megabytes:4.0f} MB  {seen:15} {name}", flush=True)
        outcomes[outcome] += 1
        most_seconds, most_megabytes = max(most_seconds, seconds), max(most_megabytes, megabytes)
        is_accepted = outcome in {"accepted", "repaired"}
        must_be_accepted = all_show(shown)
        if shown and (must_be_accepted if not is_accepted else not shown["PDFium"]):
            conflicts.append(name)
    print(f"\n{sum(outcomes.values())} files: {dict(outcomes.most_common())}")
    print(f"at most {most_seconds:.2f} s of processor time and {most_megabytes:.0f} MB in a child")
    print(f"refused though shown, or accepted though not: {len(conflicts)} {conflicts}")


def all_show(shown: dict) -> bool:
    """Return True if every viewer that is installed shows a file."""
    return all(is_shown is not False for is_shown in shown.values())


def files(folder: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a folder, or those of the generators, with their names."""
    if folder:
        root = Path(folder).expanduser()
        yield from (
            (str(path.relative_to(root)), path)
            for path in sorted(root.rglob("*"))
            if path.is_file()
        )
        return
    with tempfile.TemporaryDirectory() as made:
        for name, make, *_ in (*pdfs(), *photos()):
            path = Path(made, f"file{Path(name).suffix}")
            path.write_bytes(make())
            yield name, path


def judged(path: Path) -> tuple[str, float, float]:
    """Return the rule's outcome, its child's seconds of processor time, and its peak megabytes."""
    USAGES.clear()
    with path.open("rb") as file:
        outcome = outcome_of(File(file), is_pdf=path.suffix.lower() == ".pdf")
    if not USAGES:
        return outcome, 0, 0
    usage = USAGES[-1]
    return outcome, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / MEGABYTE


def outcome_of(file: File, *, is_pdf: bool) -> str:
    """Return "accepted", "repaired", the code of the refusal, or "busy"."""
    try:
        if not is_pdf:
            clean_avatar(file, max_bytes=settings.AVATAR_MAX_BYTES)
            return "accepted"
        _, facts = clean_resume(file, max_bytes=settings.RESUME_MAX_BYTES)
        return "repaired" if facts["is_repaired"] else "accepted"
    except ValidationError as error:
        return error.code
    except Busy:
        return "busy"  # the machine; the same file may be tried again


def pdfium_shows(path: Path) -> bool:
    return viewed(sys.executable, "-c", SHOW_WITH_PDFIUM, path)


def poppler_shows(path: Path) -> bool | None:
    """Return None where poppler is not installed."""
    if not shutil.which("pdftoppm"):
        return None
    return viewed("pdftoppm", "-f", "1", "-l", "1", "-r", "20", "-png", path)


def viewed(*command) -> bool:
    """Return True if a viewer draws something."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=VIEWER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and (bool(done.stdout) or command[0] != "pdftoppm")


if __name__ == "__main__":
    main(*sys.argv[1:2])
