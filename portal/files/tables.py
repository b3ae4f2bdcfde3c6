"""Tables of plain text for what commands print: aligned on a terminal, in a pipe and in a log."""

from collections.abc import Iterable, Iterator, Sequence

GAP = "  "


def table_lines(
    rows: Iterable[Sequence], *, left_columns: int = 1, indent: str = ""
) -> Iterator[str]:
    """Yield one line for each row; the headings, if there are any, are the first row.

    The first `left_columns` columns are aligned to the left, the others, which hold numbers, to
    the right. Each column is as wide as its widest cell. An int is written with separators, None
    as an empty cell, and anything else as str() writes it. No line ends with blanks.

        for line in table_lines([("field", "copied"), ("profiles.Profile.avatar", 1200)]):
            self.stdout.write(line)

    prints

        field                    copied
        profiles.Profile.avatar   1,200
    """
    texts = [[cell_text(cell) for cell in row] for row in rows]
    widths = column_widths(texts)
    yield from (indent + row_line(cells, widths, left_columns) for cells in texts)


def row_line(cells: Sequence, widths: Sequence[int], left_columns: int = 1) -> str:
    """Return one row as a line, for a table that is printed while its rows are being found.

    `widths` has a number of characters for each column; a wider cell moves the rest of its line.
    """
    return GAP.join(
        f"{cell_text(cell):{'<' if number < left_columns else '>'}{width}}"
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def column_widths(rows: Iterable[Sequence]) -> list[int]:
    """Return the width of each column: the length of its longest cell."""
    return [max(map(len, map(cell_text, column))) for column in zip(*rows, strict=True)]


def cell_text(cell) -> str:
    """Return a cell as text: numbers with separators, None as nothing."""
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
