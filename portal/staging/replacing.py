"""Replacing the values of rows by rules, one row after the other."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import QuerySet

from .chance import Row
from .invented import Rule

ROWS_AT_ONCE = 500


class LikeLive(Exception):
    """A value that has been invented is one that a row of live has."""


def replace_values(rows: QuerySet, rules: dict[str, Rule], unlike_live: list[str]) -> Counter:
    """Apply rules, by column, to rows; return how many rows were changed in each column.

    No new value of the columns `unlike_live` may be in a row of live. Raises LikeLive.
    """
    changed: Counter = Counter()
    for batch in batches(rows):
        new = {
            row.pk: {column: rule(row, column) for column, rule in rules.items()} for row in batch
        }
        for column in unlike_live:
            made = {pk: row[column] for pk, row in new.items()}
            refuse_values_of_live(rows, column, rules[column], made)
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
    in_order, batch = rows.order_by("pk"), []
    while True:
        after = {"pk__gt": batch[-1].pk} if batch else {}
        batch = read(in_order.filter(**after)[:ROWS_AT_ONCE])
        if not batch:
            return
        yield batch


def read(rows: QuerySet) -> list[Row]:
    columns = [field.attname for field in rows.model._meta.local_concrete_fields]
    return [Row(rows.model, values) for values in rows.values(*columns)]


def refuse_values_of_live(rows: QuerySet, column: str, rule: Rule, new: dict) -> None:
    """Raise LikeLive if a row of live has one of the values that others are about to get.

    Two people may get one value, as two people of live may have one: a row that holds what the
    rule gives to it was replaced before, in this run or in an earlier one.
    """
    keys: dict[object, set] = {}
    for pk, value in new.items():
        if value:
            keys.setdefault(value, set()).add(pk)
    found = QuerySet(rows.model).filter(**{f"{column}__in": keys}).values_list("pk", column)
    others = {pk for pk, value in found if keys[value] - {pk}}
    replaced = read(rows.filter(pk__in=others)) if others else []
    if others - {row.pk for row in replaced if row.values[column] == rule(row, column)}:
        raise LikeLive(f"{rows.model._meta.label}.{column}")
