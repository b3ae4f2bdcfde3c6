"""A command's report as a JSON file."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile

from django.core.management.base import CommandError

UNWRITABLE = "The report cannot be written"


class Report:
    """The trouble that a run had, one item at a time so that it fits any memory, and its sums.

    Used in a `with` block; without a path it writes nothing. The file appears when the block ends,
    and not at all if an exception ends it. Until then its lines are in a file without a name, of
    which nothing is left even if the process is killed.
    """

    def __init__(self, path: Path | None, **facts):
        """Begin the report. Raises CommandError if the file could not be written later."""
        self.path, self.facts, self._count = path, facts, 0
        if self.path:
            try:
                if self.path.exists() and not self.path.is_file():
                    # A device would be replaced by the report: /dev/null, /dev/stdout.
                    raise FileExistsError(f"{str(self.path)!r} is a folder or a device")
                # Its closing is left to __exit__.
                self._lines = TemporaryFile("w+", dir=self.path.parent)  # noqa: SIM115
                self._lines.write(f'{{"started": {json.dumps(now())}, "trouble": [')
            except OSError as error:
                raise CommandError(f"{UNWRITABLE}: {error}") from error

    def __enter__(self):
        return self

    def add(self, **trouble) -> None:
        """Add one item of trouble."""
        if self.path:
            self._write(("," if self._count else "") + "\n" + json.dumps(trouble))
            self._count += 1

    def finish(self, **sums) -> None:
        """Add what is known at the end of the run."""
        if self.path:
            end = json.dumps({**self.facts, **sums, "finished": now()})
            self._write("\n], " + end.removeprefix("{") + "\n")

    def _write(self, text: str) -> None:
        try:
            self._lines.write(text)
        except OSError as error:  # the disk is full
            raise CommandError(f"{UNWRITABLE}: {error}") from error

    def __exit__(self, kind, error, traceback):
        if not self.path:
            return
        try:
            with self._lines:
                if error is None:
                    self._publish(self.path)
        except OSError as failed:
            raise CommandError(f"{UNWRITABLE}: {failed}") from failed

    def _publish(self, path: Path) -> None:
        """Give the lines their name; a reader of an older report sees it whole until then."""
        self._lines.seek(0)
        with NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}-", delete=False
        ) as file:
            try:
                shutil.copyfileobj(self._lines, file)
                file.flush()
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except OSError:
                os.unlink(file.name)
                raise


def now() -> str:
    """This moment, as ISO 8601 writes it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
