"""Reads the first sheet with an address from a spreadsheet: XLSX, ODS or the older XLS.

sandbox.py starts this program. A formula is what it had come to when the file was saved.
"""

import json
import sys
from io import BytesIO

sys.path[:0] = sys.argv[2:]

import datetime  # noqa: F401 (imported by calamine for a date: too late for a confined process)

import python_calamine as calamine
from confinement import MEGABYTE, confine, report

CPU_SECONDS = 3  # 5,000 rows of 20 columns take 0.1
MEMORY_BYTES = 200 * MEGABYTE
MAX_COLUMNS = 50
MAX_SHEETS = 20
OUTPUT_BYTES = 64 * MEGABYTE


def main():
    limits = json.loads(sys.argv[1])
    content = BytesIO(sys.stdin.buffer.read())
    confine(cpu_seconds=CPU_SECONDS, memory_bytes=MEMORY_BYTES, output_bytes=OUTPUT_BYTES)
    try:
        workbook = calamine.load_workbook(content)
        names = visible(workbook)
        sheets = ((name, rows_of(workbook, name, **limits)) for name in names[:MAX_SHEETS])
        used, rows = next((each for each in sheets if has_address(each[1])), (names[0], []))
    except calamine.PasswordError:
        report(verdict="protected")
    except MemoryError:
        report(verdict="too_complex")
    except BaseException:
        report(verdict="damaged")
    else:
        others = [as_text(name) for name in names if name != used]
        report(verdict="good", sheet=as_text(used), others=others, rows=rows)


def visible(workbook) -> list[str]:
    shown = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        and sheet.visible == calamine.SheetVisibleEnum.Visible
    ]
    return shown or workbook.sheet_names


def rows_of(workbook, name: str, *, max_rows: int, max_cell: int) -> list:
    """The rows that are not empty, each with its number as the spreadsheet shows it."""
    sheet = workbook.get_sheet_by_name(name)
    first = (sheet.start or (0, 0))[0] + 1
    rows = []
    for number, row in enumerate(sheet.iter_rows(), first):
        cells = [" ".join(as_text(cell)[:max_cell].split()) for cell in row[:MAX_COLUMNS]]
        if any(cells):
            rows.append((number, cells))
        if len(rows) > max_rows:
            break
    return rows


def as_text(cell) -> str:
    """A cell as people see it; whole numbers come as floats."""
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return text.replace("\0", "")  # which PostgreSQL does not store


def has_address(rows) -> bool:
    return any("@" in cell for _, cells in rows for cell in cells)


if __name__ == "__main__":
    main()
