"""Measure the portal beside what people would write instead: make bench, make bench ROW=profile."""

import argparse
import os
import platform
from pathlib import Path

from . import pages
from .report import HEAD, line, write_json
from .sites import both_sites


def machine() -> str:
    """Describe this machine without its name."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("rows", nargs="*", default=list(pages.MARKS))
    parser.add_argument("--json", type=Path, help="write the results to this file, too")
    options = parser.parse_args()
    print(machine())
    print(HEAD)
    with both_sites() as sites:
        results = pages.measure(sites, options.rows)
    for result in results:
        print(line(result))
    if options.json:
        write_json(results, machine(), options.json)


if __name__ == "__main__":
    main()
