"""Finds what an architecture forbids in a tree of files: tests/site/test_rooms.py has the rules.

An arrow leads from a module to what it names: by an import, wherever in the module it stands and
for whatever purpose, by a dotted string such as settings hold, or by the name of a command.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True)
class Rules:
    """The arrows, libraries and lengths that a tree may have."""

    house: str  # the package whose folders are rooms; SHELL is the modules that lie directly in it
    rooms: Mapping[str, set[str]]  # for each room: the rooms that it may use
    # For each package that uses the house: the same. A room of such a package, by its dotted name,
    # may have arrows of its own; whoever may use the package may not use that room with it.
    above: Mapping[str, set[str]]
    # Modules of the shell that put the site together: they may name what is above, and no room and
    # nothing above may name them.
    roots: frozenset[str] = frozenset()
    # For each feature of a package above, a room of its own: the modules that may name it. Whoever
    # copies the site without the feature has only these to change.
    features: Mapping[str, set[str]] = field(default_factory=dict)
    # For a module, or all modules of a package: libraries that none of its imports may lead to.
    without: Mapping[str, set[str]] = field(default_factory=dict)
    max_lines: int = 300
    max_test_lines: int = 400
    of_any_length: frozenset[str] = frozenset()

    @property
    def packages(self) -> list[str]:
        """The house and the packages that use it."""
        return [self.house, *(name for name in self.above if "." not in name)]


SHELL = "shell"


class Problem(NamedTuple):
    """A module, and what is wrong with it: a name that it must not use, or a few words."""

    module: str
    what: str


class Arrow(NamedTuple):
    """A module, and something that it names."""

    source: str
    target: str  # a dotted name, perhaps of something within a module
    is_import: bool


class Tree:
    """The modules below a folder, by their dotted names."""

    def __init__(self, root: Path, packages: list[str]):
        self.files = {
            dotted(path.relative_to(root)): path
            for package in packages
            for path in sorted((root / package).rglob("*.py"))
        }
        self.packages = tuple(packages)
        self._arrows: dict[str, tuple[Arrow, ...]] = {}
        self.commands = {
            path.stem: name for name, path in self.files.items() if ".management.commands." in name
        }

    def module(self, name: str) -> str | None:
        """The module that a dotted name is, or is within; None if it is of another library."""
        while name and name not in self.files:
            name = name.rpartition(".")[0]
        return name or None

    def arrows(self, name: str) -> tuple[Arrow, ...]:
        """Everything that a module names."""
        if name not in self._arrows:
            self._arrows[name] = tuple(self._read(name))
        return self._arrows[name]

    def _read(self, name: str) -> Iterator[Arrow]:
        path = self.files[name]
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (Arrow(name, alias.name, True) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = absolute(node, package)
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    yield Arrow(name, inner if inner in self.files else base, True)
            elif isinstance(node, ast.Call):
                yield from self._called_command(name, node)
            elif isinstance(node, ast.Constant) and self._names_us(node.value):
                yield Arrow(name, node.value, False)

    def _called_command(self, name: str, call: ast.Call) -> Iterator[Arrow]:
        function = getattr(call.func, "id", getattr(call.func, "attr", ""))
        command = getattr(call.args[0], "value", None) if call.args else None
        if function == "call_command" and command in self.commands:
            yield Arrow(name, self.commands[command], False)

    def _names_us(self, value) -> bool:
        names = "|".join(map(re.escape, self.packages))
        return isinstance(value, str) and bool(re.fullmatch(rf"({names})(\.\w+)*", value))

    def reached(self, name: str) -> set[str]:
        """The names of everything that importing a module imports, directly or not."""
        reached, waiting = set(), [name]
        while waiting:
            for arrow in self.arrows(waiting.pop()):
                if arrow.is_import and arrow.target not in reached:
                    reached.add(arrow.target)
                    if module := self.module(arrow.target):
                        waiting.append(module)
        return reached


def problems(root: Path, rules: Rules) -> set[Problem]:
    """Everything in the tree that the rules forbid."""
    tree = Tree(root, rules.packages)
    found = {
        *forbidden_arrows(tree, rules),
        *named_features(tree, rules),
        *forbidden_libraries(tree, rules),
        *full_inits(root, rules),
        *long_modules(root, rules),
    }
    rooms = {room_of(name, tree, rules) for name in tree.files} - {None, SHELL}
    for room in rooms - rules.rooms.keys() - rules.above.keys():
        found.add(Problem(f"{rules.house}.{room}", "a room without a line in the table"))
    return found


def forbidden_arrows(tree: Tree, rules: Rules) -> Iterator[Problem]:
    """Arrows from a room to one that it may not use."""
    allowed = {**rules.rooms, **rules.above}
    for name in tree.files:
        room = room_of(name, tree, rules)
        may_use = {room, None} | allowed.get(room, set())
        if name in rules.roots:
            may_use |= rules.above.keys()
        for arrow in tree.arrows(name):
            is_root = tree.module(arrow.target) in rules.roots and room != SHELL
            if is_root or room_of(arrow.target, tree, rules) not in may_use:
                yield Problem(name, arrow.target)


def named_features(tree: Tree, rules: Rules) -> Iterator[Problem]:
    """Arrows to a feature from modules that are not its own and may not name it."""
    for feature, may_name in rules.features.items():
        for name in tree.files:
            if is_within(name, feature) or name in may_name | rules.roots:
                continue
            for arrow in tree.arrows(name):
                if is_within(arrow.target, feature):
                    yield Problem(name, arrow.target)


def forbidden_libraries(tree: Tree, rules: Rules) -> Iterator[Problem]:
    """Imports of libraries that a module must do without, its own imports' imports included."""
    for scope, libraries in rules.without.items():
        for name in tree.files:
            if is_within(name, scope):
                for target in tree.reached(name):
                    if any(is_within(target, library) for library in libraries):
                        yield Problem(name, target)


def full_inits(root: Path, rules: Rules) -> Iterator[Problem]:
    """Packages that do something when they are imported."""
    for package in (*rules.packages, "tests"):
        for path in (root / package).rglob("__init__.py"):
            if path.read_text().strip():
                yield Problem(dotted(path.relative_to(root)), "__init__.py is not empty")


def long_modules(root: Path, rules: Rules) -> Iterator[Problem]:
    """Modules and test files that are more than a few screens."""
    for package in (*rules.packages, "tests"):
        limit = rules.max_test_lines if package == "tests" else rules.max_lines
        for path in (root / package).rglob("*.py"):
            name = dotted(path.relative_to(root))
            if name not in rules.of_any_length and len(path.read_text().splitlines()) > limit:
                yield Problem(name, "too long")


def room_of(name: str, tree: Tree, rules: Rules) -> str | None:
    """The room of a dotted name, SHELL, or what is above; None for other libraries."""
    module = tree.module(name)
    if module is None or module == rules.house:
        return None  # the house itself is an empty __init__.py
    package, *rest = module.split(".")
    if package != rules.house:
        rooms = [room for room in rules.above if is_within(module, room)]
        return max(rooms, key=len, default=package)
    is_package = tree.files.get(f"{package}.{rest[0]}", Path()).name == "__init__.py"
    return rest[0] if is_package or len(rest) > 1 else SHELL


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module of `from ... import`, without its leading dots."""
    if not node.level:
        return node.module
    base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
    return f"{base}.{node.module}" if node.module else base


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def is_within(name: str, package: str) -> bool:
    """Return True if a dotted name is a package's, or the package itself."""
    return name == package or name.startswith(f"{package}.")
