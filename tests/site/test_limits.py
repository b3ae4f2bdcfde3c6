"""The numbers of the code, in a list: limits of time, size and tries, of which each is a decision.

limits.txt has every number to which a module or a class gives a name. One that has changed fails
the test, which prints the rows.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("limits.txt")
ELSEWHERE = {"migrations", "settings.py"}  # settings.txt has those
PARTS = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.List, ast.Set, ast.Dict)
PARTS += (ast.operator, ast.unaryop, ast.expr_context)


def is_a_number(value: ast.expr) -> bool:
    """Return True for an expression of numbers and names, and for a collection with numbers."""
    nodes = list(ast.walk(value))
    numbers = [node for node in nodes if type(getattr(node, "value", None)) in {int, float}]
    return bool(numbers) and all(isinstance(node, PARTS) for node in nodes)


def rows_of(path: Path) -> Iterator[str]:
    module = ast.parse(path.read_text())
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    label = path.relative_to(ROOT).as_posix()
    for owner in (module, *classes):
        for statement in owner.body:
            value = getattr(statement, "value", None)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and value and is_a_number(value):
                of_class = f" {owner.name}" if isinstance(owner, ast.ClassDef) else ""
                yield f"{label}{of_class} | {ast.unparse(statement)}"


def meaning(row: str) -> tuple[str, str]:
    """Return a row without the details that versions of Python write in their own way."""
    label, _, code = row.partition(" | ")
    return label, ast.dump(ast.parse(code))


def test_every_number_with_a_name_is_as_the_list_says():
    paths = sorted(path for room in ("portal", "profiles") for path in (ROOT / room).rglob("*.py"))
    actual = [row for path in paths if not ELSEWHERE & set(path.parts) for row in rows_of(path)]
    expected = LIST.read_text().splitlines()

    of_code, of_list = ({meaning(row): row for row in rows} for rows in (actual, expected))
    assert [of_code[key] for key in of_code.keys() - of_list.keys()] == [], "not in limits.txt"
    assert [of_list[key] for key in of_list.keys() - of_code.keys()] == [], "in limits.txt alone"
