"""CSV as spreadsheets open it: UTF-8 with a mark, no cell a formula, sent row by row."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse

MARK = "\ufeff"  # without it, Excel takes UTF-8 for the encoding of the computer
FORMULAS = frozenset("=+-@\t\r\n")


class Echo:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def defused(value: object) -> str:
    """Return a value as text in which no spreadsheet finds a formula.

    Where the comma is in numbers, as in German, Excel takes a semicolon for the end of a cell.
    """
    return ";".join(map(plain, str(value).split(";")))


def plain(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet takes it for a formula.

    Spreadsheets skip blanks before a formula, and some take full-width signs for the common ones.
    """
    first = text.lstrip(" \u00a0\ufeff")[:1]
    is_formula = unicodedata.normalize("NFKC", first)[:1] in FORMULAS if first else False
    return f"'{text}" if is_formula else text


def csv_lines(rows: Iterable[Iterable]) -> Iterator[str]:
    """Yield the mark, and each row as a line."""
    writer = csv.writer(Echo())
    yield MARK
    for row in rows:
        yield writer.writerow([defused(value) for value in row])


def csv_response(filename: str, rows: Iterable[Iterable]) -> StreamingHttpResponse:
    """Return a download that is made while it is sent: the first row is the header."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    content_type = "text/csv; charset=utf-8"
    return StreamingHttpResponse(csv_lines(rows), content_type=content_type, headers=headers)
