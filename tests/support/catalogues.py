"""Compiles the catalogues of all languages: make messages.

The compiled ones are committed, so that a clone needs neither GNU gettext nor this to run.
"""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).parents[2] / "locale"
CREATED = re.compile(r'^"POT-Creation-Date:.*\n', re.MULTILINE)  # a new one each time


def catalogues() -> list[Path]:
    """Return the catalogues, one for each language but that of the code."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def read(path: Path) -> Catalog:
    """Return a catalogue; raises an error that names the line of a mistake."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def compiled(path: Path) -> bytes:
    """Return what gettext reads at runtime: no entry that is unsure or empty."""
    catalogue, file = read(path), io.BytesIO()
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # always
    write_mo(file, catalogue)
    return file.getvalue()


def main() -> None:
    for path in catalogues():
        path.write_text(CREATED.sub("", path.read_text()))
        path.with_suffix(".mo").write_bytes(compiled(path))
        entries = [entry for entry in read(path) if entry.id]
        waiting = [entry for entry in entries if entry.fuzzy or not all_of(entry.string)]
        print(f"{path.parts[-3]}: {len(entries)} texts, {len(waiting)} to be translated.")


def all_of(string) -> bool:
    """Return True if a text, or each of its forms for numbers, is translated."""
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


if __name__ == "__main__":
    main()
