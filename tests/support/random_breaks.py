"""Breaks the code at random places, and reports which of these breaks the tests let pass.

The lists of mutants.py have breaks that somebody thought of; these are ones that nobody did. Each
is one small change of the syntax tree: a condition that always or never holds, an operand, an
argument, a statement or a decorator that is missing, another comparison, a number that is one too
many. It is tried with the tests that run its line, which `pytest --cov-context=test` has written
down: on SQLite, and if none sees it there, on PostgreSQL, as `make test` runs them. Words for
people, type hints and the chunks of iterator() are left as they are. Some breaks of the rest change
nothing that anybody could observe; the rate has no allowance for them.
"""

import argparse
import ast
import importlib
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from coverage import CoverageData

from .mutants import WARM, Break, PostgreSQL, Tree, exists, run

MOST_TESTS = 400  # functions for one break: those of its own room first
# Compares models with migrations in a process of its own, where coverage does not see what it runs.
OF_MODELS = "tests/files/test_storages.py::test_no_migration_holds_where_files_are"
OTHER_COMPARISON = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
# Calls that are dropped from a chain, with what they do.
LINKS = {
    "alias", "annotate", "casefold", "distinct", "exclude", "filter", "first", "lower", "only",
    "order_by", "select_for_update", "strip", "visible_to",
}  # fmt: skip
# Arguments that say something to people alone.
WORDS = {
    "description", "help", "help_text", "label", "metavar", "title", "verbose_name",
    "verbose_name_plural",
}  # fmt: skip
# Without these a module would not load at all.
NEEDED_DECORATORS = {"cached_property", "classmethod", "dataclass", "property", "staticmethod"}


class Edit(NamedTuple):
    """One change: what takes the place of the bytes of a node.

    `lines` is empty if they run once, in whichever test is the first.
    """

    kind: str
    start: int
    end: int
    new: str
    lines: range


class Source:
    """A module, and all changes of it that can be made."""

    def __init__(self, path: str):
        self.path, self.raw = path, Path(path).read_bytes()
        self.tree = ast.parse(self.raw)
        self.starts = [0]
        for line in self.raw.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def text(self, node: ast.AST) -> str:
        start, end = self.place(node)
        return self.raw[start:end].decode()

    def place(self, node) -> tuple[int, int]:
        """Return the offsets of a node in bytes, as its columns are."""
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    @cached_property
    def hints(self) -> set[int]:
        """The nodes of type hints, which nothing runs, by id."""
        found: set[int] = set()
        for node in ast.walk(self.tree):
            for name in ("annotation", "returns"):
                if hint := getattr(node, name, None):
                    found.update(map(id, ast.walk(hint)))
        return found

    @cached_property
    def in_functions(self) -> set[int]:
        """The nodes that run at each call of a function, by id: not those that run once."""
        return {
            id(node)
            for function in ast.walk(self.tree)
            if isinstance(function, ast.FunctionDef)
            and not any("cache" in self.text(each) for each in function.decorator_list)
            for statement in function.body
            for node in ast.walk(statement)
        }

    @cached_property
    def chunk_sizes(self) -> set[int]:
        """How many rows iterator() reads at once, by id: another number changes memory alone."""
        nodes = list(ast.walk(self.tree))
        sizes = [
            size
            for node in nodes
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "iterator"
            for size in (*node.args, *(each.value for each in node.keywords))
        ]
        in_chunks = Counter(each.id for each in sizes if isinstance(each, ast.Name))
        named = Counter(each.id for each in nodes if isinstance(each, ast.Name))
        of_constants = {
            id(node.value)
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(name := node.targets[0], ast.Name)
            and 0 < in_chunks[name.id] == named[name.id] - 1
        }
        return of_constants | set(map(id, sizes))

    def edits(self) -> Iterator[Edit]:
        left_alone = self.hints | self.chunk_sizes
        for node in ast.walk(self.tree):
            if id(node) not in left_alone:
                for kind, what, new in self.changes(node):
                    start, end = self.place(what)
                    start -= kind == "decorator"  # with its "@"
                    runs_often = id(what) in self.in_functions
                    lines = range(what.lineno, what.end_lineno + 1) if runs_often else range(0)
                    yield Edit(kind, start, end, new, lines)

    def is_another(self, edit: Edit) -> bool:
        """Return True if what results can be compiled, and is not the same."""
        changed = self.raw[: edit.start] + edit.new.encode() + self.raw[edit.end :]
        try:
            return compile(changed, self.path, "exec") and (
                ast.dump(ast.parse(changed)) != ast.dump(self.tree)
            )
        except SyntaxError:
            return False

    def changes(self, node: ast.AST) -> Iterator[tuple[str, ast.AST, str]]:
        """Yield what can be done to a node: the kind, the node to replace, and the new text."""
        text = self.text
        match node:
            case ast.Compare(ops=[operator]):
                other = OTHER_COMPARISON[type(operator)]
                yield "comparison", node, f"{text(node.left)} {other} {text(node.comparators[0])}"
            case ast.BoolOp():
                values = [f"({text(value)})" for value in node.values]
                words = (" and ", " or ")[:: 1 if isinstance(node.op, ast.And) else -1]
                yield "and/or", node, f"({words[1].join(values)})"
                for number in range(len(values)):
                    rest = values[:number] + values[number + 1 :]
                    yield "operand", node, f"({words[0].join(rest)})"
            case ast.UnaryOp(op=ast.Not()):
                yield "not", node, f"({text(node.operand)})"
            case ast.Constant(value=bool()):
                yield "boolean", node, str(not node.value)
            case ast.Constant(value=int()):
                yield "number", node, str(node.value + 1)
            case ast.If() | ast.IfExp():
                yield "condition", node.test, "True"
                yield "condition", node.test, "False"
            case ast.comprehension(ifs=[_, *_]):
                yield "condition", node.ifs[0], "True"
            case ast.Return(value=ast.AST() as value) if text(value) not in ("None", "False"):
                yield "return", node, "return None"
            case ast.Raise() | ast.Continue() | ast.Break() | ast.AugAssign():
                yield "statement", node, "pass"
            case ast.Expr(value=ast.Call()):
                yield "statement", node, "pass"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
                yield "statement", node, "pass"
            case ast.FunctionDef() | ast.ClassDef():
                for decorator in node.decorator_list:
                    if text(decorator).partition("(")[0] not in NEEDED_DECORATORS:
                        yield "decorator", decorator, ""
            case ast.Call():
                yield from self.changes_of_call(node)
            case ast.List() | ast.Tuple() | ast.Set() if len(node.elts) > 2:
                opens, closes = text(node)[0], text(node)[-1]
                if opens + closes in ("[]", "()", "{}"):
                    for number in range(len(node.elts)):
                        rest = node.elts[:number] + node.elts[number + 1 :]
                        yield "element", node, f"{opens}{', '.join(map(text, rest))}{closes}"
            case ast.With(items=[ast.withitem(optional_vars=None) as item]):
                yield "with", item.context_expr, "__import__('contextlib').nullcontext()"

    def changes_of_call(self, node: ast.Call) -> Iterator[tuple[str, ast.AST, str]]:
        if isinstance(node.func, ast.Attribute) and node.func.attr in LINKS:
            yield "link", node, self.text(node.func.value)
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in WORDS | {"chunk_size"}:
                rest = [*node.args, *(each for each in node.keywords if each is not keyword)]
                written = ", ".join(map(self.text, rest))
                yield "argument", node, f"{self.text(node.func)}({written})"

    def as_break(self, edit: Edit, tests: tuple[str, ...], *, is_on_postgresql: bool) -> Break:
        """Return the break as mutants.py makes it: whole lines that the file has once."""
        start = self.raw.rfind(b"\n", 0, edit.start) + 1
        end = self.raw.index(b"\n", edit.end)
        while self.raw.count(self.raw[start:end]) != 1:
            start = self.raw.rfind(b"\n", 0, max(0, start - 1)) + 1
            end = self.raw.index(b"\n", min(end + 1, len(self.raw) - 1))
        new = self.raw[start : edit.start] + edit.new.encode() + self.raw[edit.end : end]
        old = self.raw[start:end].decode()
        return Break(edit.kind, self.path, old, new.decode(), tests, is_on_postgresql)


@cache
def imports(path: str) -> str:
    """Return the lines of a file that import, as one text."""
    lines = Path(path).read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith(("from ", "import ")))


class Contexts:
    """Which test functions run a line, as coverage has written it down."""

    def __init__(self, path: Path):
        self.lines: dict[tuple[str, int], set[str]] = {}
        self.breadth: Counter = Counter()  # how many lines each test runs
        data = CoverageData(str(path))
        data.read()
        function = cache(lambda context: context.rpartition("|")[0].partition("[")[0])
        is_there = cache(exists)  # or has it another name by now?
        for file in data.measured_files():
            name = os.path.relpath(file)
            for line, contexts in data.contexts_by_lineno(file).items():
                if tests := set(filter(is_there, map(function, contexts))):
                    self.lines[name, line] = tests
                    self.breadth.update(tests)

    def tests(self, path: str, lines: range) -> list[str]:
        """Return the tests that run any of these lines, or else what is near to the module.

        These are the tests that run most of it, and those of the files that import it by its name.
        Those of the module and of its room come first, and of them those that run least besides.
        """
        found = set().union(*(self.lines.get((path, line), set()) for line in lines))
        if not found:
            near = Counter(
                test for (file, _), of in self.lines.items() if file == path for test in of
            )
            found = {test for test, _ in near.most_common(MOST_TESTS)}
            name = path.removesuffix(".py").replace("/", ".")
            found |= {test for test in self.breadth if name in imports(test.partition("::")[0])}
        room, stem = Path(path).parent.name, Path(path).stem

        def rank(test: str):
            return f"test_{stem}" not in test, f"/{room}/" not in test, self.breadth[test], test

        first = [OF_MODELS] if "(models.Model)" in Path(path).read_text() else []
        return first + sorted(found, key=rank)[:MOST_TESTS]


def random_breaks(
    dice: random.Random, sqlite: Contexts, postgresql: Contexts, words: list[str]
) -> Iterator[tuple[Break, Break | None]]:
    """Yield all breaks in an order of chance, each with the same one for tests on PostgreSQL.

    The second is None where no other tests run its line there.
    """
    paths = sorted({path for path, _ in sqlite.lines} - {"", "portal/wsgi.py"})
    paths = [path for path in paths if "/migrations/" not in path]
    places = [
        (source, edit)
        for source in map(Source, paths)
        if not words or any(word in source.path for word in words)
        for edit in source.edits()
    ]
    dice.shuffle(places)
    print(f"{len(places)} breaks can be made")
    for source, edit in places:
        if not source.is_another(edit):
            continue
        tried = [
            source.as_break(edit, tuple(tests), is_on_postgresql=contexts is postgresql)
            for contexts in (sqlite, postgresql)
            if (not edit.lines or any((source.path, line) in contexts.lines for line in edit.lines))
            and (tests := contexts.tests(source.path, edit.lines))
        ]
        if not tried and (tests := sqlite.tests(source.path, edit.lines)):
            tried = [source.as_break(edit, tuple(tests), is_on_postgresql=False)]
        if tried:
            yield tried[0], tried[1] if len(tried) > 1 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only modules whose path has one of these")
    parser.add_argument(
        "--sqlite", type=Path, required=True, help="contexts of the tests on SQLite"
    )
    parser.add_argument("--postgresql", type=Path, required=True, help="and those on PostgreSQL")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write what was found to this file, too")
    options = parser.parse_args()
    found = random_breaks(
        random.Random(options.seed),
        Contexts(options.sqlite),
        Contexts(options.postgresql),
        options.words,
    )
    breaks = dict(islice(found, options.count))
    for name in WARM:
        importlib.import_module(name)

    def note(seen: dict[Break, str]) -> None:
        if options.json:
            rows = [each._asdict() | {"seen": test} for each, test in seen.items()]
            options.json.write_text(json.dumps(rows, indent=0))

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees = [Tree(Path(folder, str(number))) for number in range(options.jobs)]
        postgresql = PostgreSQL(Path(folder, "postgresql"))
        try:
            seen = run(list(breaks), trees, {}, postgresql, note)
            again = {breaks[each]: each for each, test in seen.items() if breaks[each] and not test}
            for other, test in run(list(again), trees, {}, postgresql).items():
                seen[again[other]] = test
            note(seen)
        finally:
            postgresql.stop()
    for each, test in sorted(seen.items()):
        if not test:
            print(f"SURVIVED  {each}")
    print(f"{sum(map(bool, seen.values()))} of {len(seen)} seen")


if __name__ == "__main__":
    sys.exit(main())
