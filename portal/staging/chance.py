"""Decisions that look random and are the same in each run: HMAC of this site's secret.

They depend on the secret, a table, a key and a purpose, and on nothing else: not on the order of
rows, nor on what has been decided before.
"""

import hashlib
import hmac
import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils.encoding import force_bytes

SALT = "portal.staging.chance"
DRAW_BYTES = 4  # an unsigned integer (I) of struct
MANY = 1 << (8 * DRAW_BYTES)

Item = TypeVar("Item")


class Chance:
    """An endless stream of decisions, which `parts` and the site's SECRET_KEY determine."""

    def __init__(self, *parts: object):
        message = json.dumps([str(part) for part in parts]).encode()
        self.key = hmac.digest(key_of(settings.SECRET_KEY), message, "sha256")
        self._blocks, self._stream = 0, b""

    def take(self, count: int) -> bytes:
        """Return the next bytes of the stream."""
        while len(self._stream) < count:
            block = self.key + self._blocks.to_bytes(8, "big")
            self._stream += hashlib.sha256(block).digest()
            self._blocks += 1
        taken, self._stream = self._stream[:count], self._stream[count:]
        return taken

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""
        return int.from_bytes(self.take(DRAW_BYTES), "big") % limit

    def several_below(self, limit: int, count: int) -> list[int]:
        """Return as many numbers from 0 to `limit` - 1, as below() would one after the other."""
        drawn = struct.unpack(f">{count}I", self.take(DRAW_BYTES * count))
        return [number % limit for number in drawn]

    def rank_below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1: the first ones are common, the last ones rare.

        They are distributed as names and words are (Zipf's law).
        """
        share = self.below(MANY) / MANY
        return int((limit + 1) ** share) - 1

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def uuid(self) -> UUID:
        return UUID(bytes=self.take(16), version=4)


@lru_cache(maxsize=1)
def key_of(secret: str | bytes) -> bytes:
    """Return the key that Django's salted_hmac() would derive each time."""
    return hashlib.sha256(force_bytes(SALT) + force_bytes(secret)).digest()


class Row(NamedTuple):
    """A row that is replaced: its model, and its values by the columns' names in Python."""

    model: type[Model]
    values: dict[str, Any]

    @property
    def pk(self) -> Any:
        return self.values[self.model._meta.pk.attname]

    def related(self, name: str) -> "Row":
        """Return the row that a foreign key of this name leads to; it may be replaced already."""
        field: Any = self.model._meta.get_field(name)
        model: type[Model] = field.related_model
        columns = [each.attname for each in model._meta.local_concrete_fields]
        rows = QuerySet(model).filter(pk=self.values[field.attname])
        return Row(model, rows.values(*columns).get())

    def chance(self, purpose: str) -> Chance:
        """Return the stream of decisions for one purpose, such as a column."""
        return Chance(self.model._meta.label, self.pk, purpose)
