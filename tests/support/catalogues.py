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
WRITTEN_IN = "en_GB"
COMPILED_CODE = LOCALE / WRITTEN_IN / "LC_MESSAGES" / "django.mo"
CREATED = re.compile(r'^"POT-Creation-Date:.*\n', re.MULTILINE)  # a new one each time


def catalogues() -> list[Path]:
    """Return the catalogues, one for each language but that of the code."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def read(path: Path) -> Catalog:
    """Return a catalogue; raises an error that names the line of a mistake."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def of_the_code(path: Path) -> Catalog:
    """Return a catalogue of all texts as they stand in the code.

    Without one, gettext looks for each English text in seven others before it takes the text
    itself: a millisecond for a long page.
    """
    catalogue = Catalog(locale=WRITTEN_IN)
    for entry in read(path):
        if entry.id:
            catalogue.add(entry.id, entry.id, context=entry.context)
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """Return what gettext reads at runtime: no entry that is unsure or empty."""
    file = io.BytesIO()
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # always
    write_mo(file, catalogue)
    return file.getvalue()


def main() -> None:
    for path in catalogues():
        path.write_text(CREATED.sub("", path.read_text()))
        path.with_suffix(".mo").write_bytes(compiled(read(path)))
        entries = [entry for entry in read(path) if entry.id]
        waiting = [entry for entry in entries if entry.fuzzy or not all_of(entry.string)]
        print(f"{path.parts[-3]}: {len(entries)} texts, {len(waiting)} to be translated.")
    COMPILED_CODE.parent.mkdir(parents=True, exist_ok=True)
    COMPILED_CODE.write_bytes(compiled(of_the_code(catalogues()[0])))


def all_of(string) -> bool:
    """Return True if a text, or each of its forms for numbers, is translated."""
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


if __name__ == "__main__":
    main()
