"""The constants of the site: constants.txt is the committed list, and a change of it is meant.

Times, sizes, counts, and lists of names stand at the top of their modules. Each is a promise to
members or operators, or keeps one: how long a link is valid, how much a client can make the site
store, what a key may do. The test prints the rows that have changed.
"""

import ast
import importlib
import re
from datetime import timedelta
from pathlib import Path

from profiles.uploads import confinement

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("constants.txt")
COLLECTIONS = (ast.List, ast.Tuple, ast.Set, ast.Dict)
NUMBERS = (int, float, timedelta)
MOST_SHOWN = 1000  # characters


def is_constant(node: ast.stmt) -> bool:
    """Return True for NAME = ..., or NAME, OTHER = ..., with a number or a collection of names."""
    if not isinstance(node, ast.Assign):
        return False
    names = [each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)]
    parts = list(ast.walk(node.value))
    has_number = any(type(getattr(each, "value", None)) in NUMBERS for each in parts)
    is_collection = isinstance(node.value, COLLECTIONS)
    is_made = any(isinstance(each, ast.Call) for each in parts)
    needs_library = any(isinstance(each, ast.Attribute) for each in parts)
    is_wanted = has_number or (is_collection and not is_made)
    return all(map(str.isupper, names)) and is_wanted and not needs_library


def in_order(value):
    """Return a value with lists in the place of sets, which have no order."""
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def shown(value) -> str:
    text = re.sub(" at 0x[0-9a-f]+", "", repr(in_order(value)))
    return text if len(text) < MOST_SHOWN else f"{text[:40]}... ({len(text)} characters)"


def namespace(name: str, text: str) -> dict:
    """Return the names of a module; programs that are run alone are not imported."""
    if "from confinement import" in text:
        return dict(vars(confinement))
    return dict(vars(importlib.import_module(name)))


def constants(path: Path) -> list[str]:
    """Return a row for each constant of a module; each is evaluated as it stands there."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    tree = ast.parse(path.read_bytes())
    tree.body = [node for node in tree.body if is_constant(node)]
    values = namespace(name, path.read_text()) if tree.body else {}
    exec(compile(tree, path, "exec"), values)
    nodes = (node for each in tree.body for node in ast.walk(each.targets[0]))
    return [f"{name} {each.id} {shown(values[each.id])}" for each in nodes if hasattr(each, "id")]


def test_every_constant_is_as_the_list_says():
    paths = sorted(
        path
        for room in ("portal", "profiles")
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts and path != ROOT / "portal/settings.py"
    )
    actual = [row for path in paths for row in constants(path)]
    expected = LIST.read_text().splitlines()

    assert [row for row in actual if row not in expected] == [], "not in tests/site/constants.txt"
    assert actual == expected, "in tests/site/constants.txt, but not so"
