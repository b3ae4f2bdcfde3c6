"""Rows and files about invented people, with a mark in each column that a search recognises.

The rows are made from the models themselves: a column that somebody adds has its mark at once. A
mark is made of letters that no invented word of the site's has, so that a part of one is found too.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.utils import timezone

from profiles.directory.fold import fold
from profiles.models import Profile, User
from profiles.scrub_rules import RULES
from tests.support.rows import whole_database

LETTERS = "cfghjpqwxy"  # in no invented word
CYRILLIC = str.maketrans(LETTERS, "чфгхйпщюэя")
LENGTH, PART = 20, 14  # characters of a mark, and of the parts of it that are searched for
SPLIT = re.compile(f"[^{LETTERS}]+")
PIECE = 6  # of a mark in a column that is shorter

# About nobody, or made by index_profiles from what is planted elsewhere.
NOT_OF_PEOPLE = {
    "contenttypes.ContentType",
    "auth.Permission",
    "auth.Group",
    "society.Society",
}
# Of one row, or of rows that are there without people. Of the society's texts, those that are about
# somebody are tried in tests/profiles/test_scrub_rules.py.
THERE = {"contenttypes.ContentType", "auth.Permission", "society.Society"}
REBUILT = {
    "profiles.DirectoryEntry",
    "profiles.ProfileTag",
    "profiles.ProfileWord",
    "profiles.WordDeletion",
}
OF_GROUPS = {"auth.Group_permissions"}
# Columns that have the value of another one, in the row of the same person.
EQUAL = {"profiles.ResumeText.source": ("profiles.Profile", "resume")}


class Mark(NamedTuple):
    """A mark that was planted: where, about whom, and the forms in which it may come back."""

    where: str  # such as profiles.Profile.name
    people: frozenset[int]  # keys of users; empty where the row refers to nobody
    forms: tuple[str, ...]
    is_time: bool = False


@dataclass
class Garden:
    """The people of one data set, and all that was planted about them."""

    random: Random
    texts: list[str]
    live_folder: Path
    stale_folder: Path  # staging's own: files of a former refresh
    marks: list[Mark] = field(default_factory=list)
    people: list[User] = field(default_factory=list)
    rows: dict[tuple[str, int], models.Model] = field(default_factory=dict)
    number: int = 0

    def plant(self, roles: list[dict]) -> None:
        """Make a row of each model for each person; `roles` has some columns of each of them."""
        for label in RULES.decisions:
            if label in REBUILT | THERE:
                continue
            model = apps.get_model(label)
            for index, role in enumerate(roles):
                self.plant_row(model, index, len(roles), role)
        call_command("index_profiles", stdout=NOWHERE)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")

    def plant_row(self, model, index: int, count: int, role: dict) -> None:
        people: set[int] = set()
        rebuilt = RULES.decisions[model._meta.label].rebuilt.split()
        values, marks, later = {}, [], {}
        for each in model._meta.local_concrete_fields:
            if isinstance(each, models.AutoField) or each.name in rebuilt:
                continue
            if each.is_relation:
                values[each.attname] = self.related(each, index, count, people)
            elif each.name in role and model in (User, Profile):
                values[each.name] = role[each.name]
            elif equal := EQUAL.get(f"{model._meta.label}.{each.name}"):
                values[each.name] = getattr(self.rows[equal[0], index], equal[1])
            else:
                value, forms = self.value(model, each)
                values[each.name] = value
                marks.append((each, forms))
                if getattr(each, "auto_now", False) or getattr(each, "auto_now_add", False):
                    later[each.name] = value
        [row] = model._base_manager.bulk_create([model(**values)])
        if later:
            model._base_manager.filter(pk=row.pk).update(**later)
        self.rows[model._meta.label, index] = row
        if model is User:
            self.people.append(row)
            people.add(row.pk)
        for each, forms in marks:
            if forms and model._meta.label not in NOT_OF_PEOPLE | OF_GROUPS:
                where = f"{model._meta.label}.{each.name}"
                is_time = isinstance(each, models.DateTimeField)
                self.marks.append(Mark(where, frozenset(people), forms, is_time))

    def related(self, each, index: int, count: int, people: set[int]):
        """Return the key that a foreign key is to have; several people in a row are not one."""
        target = each.remote_field.model
        label = target._meta.label
        if target in (User, Profile):
            person = (index + len(people)) % count
            people.add(self.people[person].pk)
            return self.rows[label, person].pk
        if (label, index) in self.rows:
            return self.rows[label, index].pk
        return target._base_manager.values_list("pk", flat=True).first()

    def value(self, model, each) -> tuple[object, tuple[str, ...]]:
        """Return a value for a column, and the forms of the mark in it."""
        self.number += 1
        if each.choices:
            return self.random.choice([key for key, _ in each.flatchoices]), ()
        for kind, make in MAKERS.items():
            if isinstance(each, kind):
                return make(self, each)
        raise NotImplementedError(f"{model._meta.label}.{each.name}: add its type to MAKERS")

    def mark(self) -> str:
        """Return letters that no other mark has."""
        digest = hashlib.sha256(f"mark {self.number}".encode()).digest()
        return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:LENGTH])

    def text(self, each) -> tuple[str, tuple[str, ...]]:
        mark, room = self.mark(), each.max_length or 4000
        other = mark.translate(CYRILLIC)
        whole = f"{mark} {other} {self.random.choice(self.texts)} {mark}"
        if room < len(mark):
            return mark[:room], (mark[:room],) if room >= PIECE else ()
        shown = whole[:room]
        return shown, (*forms_of(mark), *(forms_of(other) if other in shown else ()))

    def file(self, each) -> tuple[str, tuple[str, ...]]:
        """Store files on live, and those of a former refresh on staging, under a marked name."""
        mark = self.mark()
        name = f"{each.name}s/{mark}.bin"
        for folder in (self.live_folder, self.stale_folder):
            path = folder / each.storage.location.rpartition("/")[2] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"%PDF-1.4 {mark} {mark[::-1]}".encode())
        return name, forms_of(mark)

    def address(self, each) -> tuple[str, tuple[str, ...]]:
        mark = self.mark()
        return f"{mark}@{mark}.example", forms_of(mark)

    def time(self, each) -> tuple[object, tuple[str, ...]]:
        """Return a time of the last weeks; its seconds are the mark, to the microsecond.

        Microseconds alone are those of another row's time once in a million pairs of rows.
        """
        microsecond = 100_000 + self.number * 7919 % 900_000
        ago = timezone.now() - timedelta(days=self.random.randrange(60))
        mark = f", {ago.second}, {microsecond}"
        return ago.replace(microsecond=microsecond), (f"{mark})", f"{mark}, ")

    def whole(self, each) -> tuple[int, tuple[str, ...]]:
        if each.name.endswith("_pages"):
            return self.random.randrange(1, 4), ()
        if isinstance(each, models.SmallIntegerField | models.PositiveSmallIntegerField):
            return self.number % 30_000, ()
        number = 1_000_000_000 + self.number * 104_729 % 1_000_000_000
        return number, (str(number),)

    def data(self, each) -> tuple[dict, tuple[str, ...]]:
        mark = self.mark()
        return {"words": [mark]}, forms_of(mark)

    def binary(self, each) -> tuple[bytes, tuple[str, ...]]:
        mark = self.mark()
        return mark.encode(), forms_of(mark)

    def ip(self, each) -> tuple[str, tuple[str, ...]]:
        address = f"203.0.{self.number // 250 % 250}.{self.number % 250}"
        return address, (f"'{address}'",)

    def key(self, each) -> tuple[uuid.UUID, tuple[str, ...]]:
        key = uuid.UUID(int=self.random.getrandbits(128), version=4)
        return key, (str(key), key.hex)

    def found(self, unchanged: set[int]) -> list[str]:
        """Return the columns whose marks are still in the database or in staging's files.

        Marks of the people who stay as they are are not looked for. The time of a row that is about
        one of them as well is theirs.
        """
        dump = f"{whole_database()}\n{planner_statistics()}"
        names_and_contents = [
            f"{path.relative_to(self.stale_folder)} {path.read_bytes().decode('latin-1')}"
            for path in self.files()
        ]
        text = "\n".join([dump, *names_and_contents]).lower()
        parts = parts_of(text)
        return [
            mark.where
            for mark in self.marks
            if self.has_to_go(mark, unchanged)
            and any(form in text or not parts.isdisjoint(parts_of(form)) for form in mark.forms)
        ]

    def has_to_go(self, mark: Mark, unchanged: set[int]) -> bool:
        if mark.is_time and mark.people:
            return not mark.people & unchanged
        return not mark.people or bool(mark.people - unchanged)

    def files(self) -> Iterator[Path]:
        """The files that staging holds."""
        return (path for path in self.stale_folder.rglob("*") if path.is_file())


class Nowhere:
    """Where output goes that nobody reads."""

    def write(self, text: str) -> None:
        pass


NOWHERE = Nowhere()
MAKERS = {
    models.FileField: Garden.file,
    models.EmailField: Garden.address,
    models.DateTimeField: Garden.time,
    models.DateField: lambda garden, each: (garden.time(each)[0].date(), ()),  # days recur
    models.BooleanField: lambda garden, each: (garden.random.random() < 0.5, ()),
    models.IntegerField: Garden.whole,
    models.JSONField: Garden.data,
    models.BinaryField: Garden.binary,
    models.GenericIPAddressField: Garden.ip,
    models.UUIDField: Garden.key,
    models.CharField: Garden.text,
    models.TextField: Garden.text,
}


def planner_statistics() -> str:
    """Return what PostgreSQL has written down about the rows' values, as text."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM pg_stats WHERE schemaname = 'public'")
        return "\n".join(map(str, cursor.fetchall()))


def forms_of(mark: str) -> tuple[str, ...]:
    """Return a mark as it stands, and as it comes out of folding, encoding and hashing."""
    raw = mark.encode()
    # Of base64, the part that is the same whatever stands before it.
    encoded = [base64.b64encode(b"." * shift + raw).decode()[4:-4] for shift in range(3)]
    hashes = [getattr(hashlib, name)(raw).hexdigest() for name in ("md5", "sha1", "sha256")]
    forms = [mark, mark[::-1], fold(mark), raw.hex(), *encoded, *hashes]
    return tuple({form.lower() for form in forms})


def parts_of(text: str) -> set[str]:
    """Return the parts of all marks that are in a text."""
    found = set()
    for piece in (word for word in SPLIT.split(text) if len(word) >= PART):
        found |= {piece[start : start + PART] for start in range(len(piece) - PART + 1)}
    return found
