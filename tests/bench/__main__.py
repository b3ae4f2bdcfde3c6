"""Measure the portal beside what people would write instead: make bench, make bench ROW=profile.

docs/performance.md explains the rows, and the marks that they are held to. Each row may be measured
alone. Times depend on the machine; what counts are ratios of one run, each a median of pairs.
"""

import argparse
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

from . import commands, copies, growth, links, pages, resets, served
from .report import HEAD, Result, line, markdown, write_json
from .sites import both_sites

# What each row is measured by: on two filled sites, or by itself.
ON_SITES: dict[str, Callable[[dict], list[Result]]] = {
    **{page: lambda sites, page=page: pages.measure(sites, [page]) for page in pages.MARKS},
    "rate": served.rates,
    "memory": served.memory,
    "start": served.starts,
}
ALONE: dict[str, Callable[[], list[Result]]] = {
    "growth": growth.measure,
    "command": commands.starts,
    "collectstatic": commands.collectstatic,
    "copy": copies.measure,
}
# Rows without a mark, which are measured only by name.
BY_NAME = {"link": links.measure, "reset": resets.measure}


def machine() -> str:
    """Describe this machine without its name."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {memory:.0f} GB,"
        f" Python {platform.python_version()}"
    )


def measure(rows: list[str]) -> list[Result]:
    """Measure rows, and print each as it comes."""
    results = []

    def add(found: list[Result]) -> None:
        results.extend(found)
        for each in found:
            print(line(each), flush=True)

    if on_sites := [row for row in rows if row in ON_SITES]:
        with both_sites() as sites:
            for row in on_sites:
                add(ON_SITES[row](sites))
    for row in rows:
        if row not in ON_SITES:
            add((ALONE | BY_NAME)[row]())
    return results


def main() -> None:
    every = [*ON_SITES, *ALONE]
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of {', '.join(every)};"
                        f" or {', '.join(BY_NAME)}, which are measured only by name")  # fmt: skip
    parser.add_argument("--json", type=Path, help="write the results to this file, too")
    parser.add_argument("--markdown", action="store_true", help="print docs/performance.md's table")
    options = parser.parse_args()
    if unknown := set(options.rows) - {*every, *BY_NAME}:
        parser.error(f"There is no row {', '.join(sorted(unknown))}: there are {', '.join(every)}.")
    began = time.monotonic()
    print(f"{machine()}\n\n{HEAD}")
    results = measure(options.rows or every)
    missed = sum(not each.is_reached for each in results)
    print(f"\n{missed} of {len(results)} short of the mark, in {time.monotonic() - began:.0f} s")
    if options.markdown:
        print(f"\n{markdown(results)}")
    if options.json:
        write_json(results, machine(), options.json)


if __name__ == "__main__":
    main()
