"""A society of 5,000 or SEARCH_MEMBERS: those in queries.toml, and others with common names.

Those in queries.toml have the resumes that stand there. With SEARCH_MEMBERS the others have resumes
of about 4 kB, too, with common and rare words as texts have them.
"""

import os
import random
import tomllib
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from django.db import connection

from profiles.directory.fold import sort_key
from profiles.directory.indexing import BATCH, texts_of, write
from profiles.directory.resume_texts import words_of
from profiles.forms import with_audiences
from profiles.models import Profile, ResumeText, User

HERE = Path(__file__).parent
USUAL = 5_000
MEMBERS = int(os.environ.get("SEARCH_MEMBERS", USUAL))
QUERIES = tomllib.loads((HERE / "queries.toml").read_text(encoding="utf-8"))

COMMON = (HERE / "common_names.txt").read_text(encoding="utf-8").splitlines()
FIRST_NAMES, LAST_NAMES = (line.split() for line in COMMON)
WORKS = [
    "Surveys roads",
    "Teaches geodesy",
    "Draws city plans",
    "Studies rivers",
    "Translates",
    "Restores instruments",
    "Builds web maps",
    "Photographs from balloons",
    "Archives letters",
    "Works on land law",
]
PLACES = [
    "Oslo, Norway",
    "Graz, Österreich",
    "Kraków, Polska",
    "Bergen, Norway",
    "Leiden, Nederland",
]


def settle(total: int, *, already: int = 0, with_resumes: bool = False) -> None:
    """Write the society's rows from number `already` on, and index them as an older site's are."""
    known = QUERIES["people"]
    chance = random.Random(14)
    taken = {person["name"] for person in known}
    others = []
    while len(known) + len(others) < total:
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
        if name not in taken:
            person = {"name": name, "headline": chance.choice(WORKS)}
            if len(others) % 10 == 0:
                person |= {
                    "place": PLACES[len(others) // 10 % len(PLACES)],
                    "skills": "Python, GIS",
                }
            others.append(person)
    people = [*known, *others]
    resumes = resume_writer() if with_resumes else lambda: ""
    with indexes_built_afterwards():
        for start in range(already, total, BATCH):
            write_rows(
                {number: people[number] for number in range(start, min(start + BATCH, total))},
                resumes,
            )
    # A plan for the empty tables that another test may have left takes a second for each search.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write_rows(people: dict[int, dict], resumes) -> None:
    """Write some members and what is indexed of them, as saving each would."""
    emails = {f"p{number}@example.org": person for number, person in people.items()}
    User.objects.bulk_create(
        User(email=email, is_active=person.get("active", True)) for email, person in emails.items()
    )
    users = User.objects.in_bulk(list(emails), field_name="email")
    profiles = []
    for email, person in emails.items():
        text = person.get("resume") or resumes()
        profile = Profile(
            user=users[email],
            name=person["name"],
            sort_key=sort_key(person["name"]),
            headline=person.get("headline", ""),
            bio=person.get("bio", ""),
            visibility=person.get("visibility", "public"),
            resume=f"resumes/{email}.pdf" if text else "",
            **{field: person[field] for field in with_audiences() if field in person},
        )
        profile.new_resume_text = text
        profiles.append(profile)
    Profile.objects.bulk_create(profiles)
    ResumeText.objects.bulk_create(
        ResumeText(
            profile=profile,
            source=profile.resume.name,
            text=profile.new_resume_text,
            words=words_of(texts_of(profile), profile.new_resume_text),
        )
        for profile in profiles
        if profile.resume
    )
    write(Profile.objects.all(), [(profile, texts_of(profile)) for profile in profiles])


@contextmanager
def indexes_built_afterwards():
    """Drop PostgreSQL's GIN indexes while rows are written, which makes it ten times as fast."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '%USING gin%'"
        )
        definitions = cursor.fetchall()
        for name, _ in definitions:
            cursor.execute(f"DROP INDEX {name}")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index cannot be made before
        for _, definition in definitions:
            cursor.execute(definition)


def resume_writer():
    """Return a function that writes a text of about 4 kB: few words are common, most are rare."""
    chance = random.Random(56)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    words = [
        "".join(chance.choices(syllables, k=chance.choice((2, 3, 3, 4)))) for _ in range(30_000)
    ]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    parts = [" ".join(chance.choices(words, cum_weights=weights, k=60)) for _ in range(3_000)]

    def write() -> str:
        own = "".join(chance.choices(syllables, k=6))
        return " ".join(["university experience", own, *chance.choices(parts, k=9)])

    return write
