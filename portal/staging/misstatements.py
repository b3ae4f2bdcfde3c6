"""Decisions about a database that cannot be meant as they are written."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import connection, router
from django.db.models import Model

from .sampling import NOBODY

if TYPE_CHECKING:
    from .scrubbing import ScrubRules


def misstatements(rules: "ScrubRules") -> Iterator[str]:
    """Yield a sentence for each kind of decision that would do something else, or nothing."""
    where, decisions = rules.stated_in, rules.decisions.items()
    if pending := [label for label, each in decisions if each.deleted_rows is ...]:
        yield (
            f"{where} has ... in the place of the rows of {', '.join(pending)} that are deleted:"
            " write NO_ROW, EVERY_ROW or a Q."
        )
    if idle := [
        label for label, each in decisions if each.replaced and each.replaced_rows == NOBODY
    ]:
        yield (
            f"{where} has rules in replaced, but no replaced_rows, for {', '.join(idle)}: all"
            " values would stay as they are. Write the rows, such as of_replaced() or EVERY_ROW."
        )
    if rules.people and not is_a_table(rules.people.model):
        yield f"{where} has {rules.people.model} in people, and there is no such model."
    if unscrubbed := sorted(
        model._meta.label for model in rules.models() if databases(model) != {connection.alias}
    ):
        yield (
            f"DATABASE_ROUTERS keeps the rows of {', '.join(unscrubbed)} in another database, and"
            f' only "{connection.alias}" is scrubbed: all of them would stay. Where they may, name'
            f" these models in elsewhere, in {where}."
        )
    if here := sorted(
        label
        for label in rules.elsewhere
        if not is_a_table(label) or connection.alias in databases(apps.get_model(label))
    ):
        yield (
            f"{where} has {', '.join(here)} in elsewhere, and no router keeps such rows in another"
            " database."
        )


def databases(model: type[Model]) -> set[str]:
    """Return the aliases of the databases that a model's rows are read from and written to."""
    return {router.db_for_read(model), router.db_for_write(model)}


def is_a_table(label: str) -> bool:
    """Return True if a model is there, and no setting has put another in its place."""
    try:
        return not apps.get_model(label)._meta.swapped
    except LookupError:
        return False
