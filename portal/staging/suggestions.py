"""Lines to paste into a project's ScrubRules where decisions are missing.

What is pasted decides nothing: `...` stands for the rows that are deleted, and scrub() refuses it.
"""

from collections.abc import Collection, Iterator

from django.apps import apps
from django.db.models import Model

INDENT = " " * 8


def suggestions(undecided: Collection[str], tables: list[str], decided: Collection[str]) -> str:
    """Return lines for columns (app.Model.field) and tables without a decision; perhaps none.

    `decided` are the labels of the models that have a decision for other columns.
    """
    lines = [*decision_lines(undecided, decided)]
    if tables:
        names = ", ".join(f'"{table}"' for table in tables)
        lines.append(f"emptied_tables=frozenset({{{names}}}),  # or kept_tables")
    return "\n".join(INDENT + line for line in lines)


def decision_lines(undecided: Collection[str], decided: Collection[str]) -> Iterator[str]:
    """Yield a line for each model with such columns, after those that its rows point to."""
    for model in parents_first():
        label = model._meta.label
        fields = [field.name for field in model._meta.local_concrete_fields]
        names = " ".join(name for name in fields if f"{label}.{name}" in undecided)
        if names and label in decided:
            yield f'# "{label}" has a decision; add to it: kept="{names}"'
        elif names:
            yield f'"{label}": Decision(..., kept="{names}"),'


def parents_first() -> list[type[Model]]:
    """Return all models, each after those that it points to, as far as there is such an order."""
    found: dict[type[Model], None] = {}
    visited = set()

    def visit(model: type[Model]) -> None:
        if model not in visited:
            visited.add(model)
            for field in model._meta.local_concrete_fields:
                if isinstance(parent := field.related_model, type):
                    visit(parent._meta.concrete_model or parent)
            found[model] = None

    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy:
            visit(model)
    return list(found)
