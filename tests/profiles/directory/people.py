"""A society of 5,000 or SEARCH_MEMBERS: those in queries.toml, and others with common names."""

import os
import random
import tomllib
from pathlib import Path

from profiles.directory.indexing import index_all
from profiles.forms import with_audiences
from profiles.models import Profile, User

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


def settle(total: int) -> None:
    """Write the society's rows, and index them as a site of some age has them."""
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
    User.objects.bulk_create(
        (
            User(email=f"p{number}@example.org", is_active=person.get("active", True))
            for number, person in enumerate(people)
        ),
        batch_size=1_000,
    )
    pks = User.objects.filter(email__startswith="p").in_bulk(field_name="email")
    Profile.objects.bulk_create(
        (
            Profile(
                user=pks[f"p{number}@example.org"],
                name=person["name"],
                headline=person.get("headline", ""),
                bio=person.get("bio", ""),
                visibility=person.get("visibility", "public"),
                **{field: person[field] for field in with_audiences() if field in person},
            )
            for number, person in enumerate(people)
        ),
        batch_size=1_000,
    )
    for _ in index_all(Profile.objects.all()):
        pass
