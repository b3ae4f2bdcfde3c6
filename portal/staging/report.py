"""A command's report as a JSON file, written as the command runs and named when it is whole."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile


class Report:
    """What a run had trouble with, one by one so that it fits any memory, and then its sums.

    Used in a `with` block; without a path it writes nothing. The file appears at the end of the
    block, or if that is left by an exception, not at all.
    """

    def __init__(self, path: Path | None, **facts):
        self.path, self.facts, self._count = path, facts, 0
        if self.path:
            # Beside its final place, so that it can be renamed.
            self._file = NamedTemporaryFile(  # noqa: SIM115 (__exit__ closes it)
                "w", dir=self.path.parent, prefix=f".{self.path.name}-", delete=False
            )
            self._file.write(f'{{"started": {json.dumps(now())}, "trouble": [')

    def __enter__(self):
        return self

    def add(self, **trouble) -> None:
        if self.path:
            self._file.write(("," if self._count else "") + "\n" + json.dumps(trouble))
            self._count += 1

    def finish(self, **sums) -> None:
        if self.path:
            end = json.dumps({**self.facts, **sums, "finished": now()})
            self._file.write("\n], " + end.removeprefix("{") + "\n")

    def __exit__(self, kind, error, traceback):
        if not self.path:
            return
        self._file.close()
        if error is None:
            os.chmod(self._file.name, 0o644)
            os.replace(self._file.name, self.path)
        else:
            os.unlink(self._file.name)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
