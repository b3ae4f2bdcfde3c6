"""Replacing the values of rows by rules, one row after the other."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Model, QuerySet

from .chance import Row
from .invented import Rule

ROWS_AT_ONCE = 500


class LikeLive(Exception):
    """A value that has been invented is one that a row of live has."""


def replace_values(rows: QuerySet, rules: dict[str, Rule], unlike_live: list[str]) -> Counter:
    """Apply rules, by column, to rows; return how many rows were changed in each column.

    No new value of the columns `unlike_live` may be in any row of the table. Raises LikeLive.
    """
    changed: Counter = Counter()
    for batch in batches(rows):
        new = {
            row.pk: {column: rule(row, column) for column, rule in rules.items()} for row in batch
        }
        for column in unlike_live:
            refuse_values_of_live(rows.model, column, {pk: row[column] for pk, row in new.items()})
        for row in batch:
            values = {
                column: value
                for column, value in new[row.pk].items()
                if value != row.values[column]
            }
            if values:
                QuerySet(rows.model).filter(pk=row.pk).update(**values)
                changed.update(values.keys())
    return changed


def batches(rows: QuerySet) -> Iterator[list[Row]]:
    """Yield rows by their keys; changing them does not disturb the query."""
    columns = [field.attname for field in rows.model._meta.local_concrete_fields]
    in_order, batch = rows.order_by("pk").values(*columns), []
    while True:
        after = {"pk__gt": batch[-1].pk} if batch else {}
        batch = [Row(rows.model, values) for values in in_order.filter(**after)[:ROWS_AT_ONCE]]
        if not batch:
            return
        yield batch


def refuse_values_of_live(model: type[Model], column: str, new: dict) -> None:
    """Raise LikeLive if a row has one of the values that others are about to get."""
    keys: dict[object, set] = {}
    for pk, value in new.items():
        if value:
            keys.setdefault(value, set()).add(pk)
    found = QuerySet(model).filter(**{f"{column}__in": keys}).values_list("pk", column)
    if any(keys[value] - {pk} for pk, value in found):  # a repeated run finds its own values
        raise LikeLive(f"{model._meta.label}.{column}")
