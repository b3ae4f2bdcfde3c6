"""The members that the portal and its twin both have, made from numbers."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EMAIL, PASSWORD = "0@example.org", "a long enough passphrase"
FIRST = [
    "Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas",
    "Keiko", "Lucja", "Mateo", "Nadia", "Olaf", "Priya", "Quentin", "Rosa", "Samir", "Tove",
    "Ulla", "Viktor", "Wanda", "Xenia", "Yusuf", "Zoe", "Aino", "Benedikt", "Carmen", "Dalia",
    "Emil", "Freya", "Goran", "Helga", "Ivana", "Jakub", "Karim", "Leila", "Milan", "Noor",
]  # fmt: skip
STARTS = [
    "Al", "Ber", "Car", "Dal", "Els", "Far", "Gren", "Hol", "Ing", "Jan", "Kal", "Lind", "Mor",
    "Nor", "Os", "Pet", "Rad", "Sol", "Tor", "Ul", "Van", "Wes", "Yor", "Zel", "Brand",
]  # fmt: skip
ENDS = ["berg", "dahl", "ini", "escu", "qvist", "mann", "ova", "sen", "strom", "wick"]
TRADES = [
    "surveyor", "engineer", "naturalist", "translator", "cartographer", "hydrologist", "editor",
]  # fmt: skip
PLACES = ["Lisbon", "Turku", "Tbilisi", "Oaxaca", "Utrecht", "Nairobi", "Lima", "Hanoi", "Porto"]
SKILLS = ["peat coring", "PostGIS", "bridges", "tide gauges", "Georgian", "lettering", "GIS"]
BIO = (
    "Has measured coasts, mended bridges and drawn maps for thirty years, first by hand and then by"
    " satellite.\n\nLikes to be asked about tides, old instruments, and how to write a report that"
    " somebody reads to its end. Speaks three languages, of which two were learnt in {place}."
)
OPENED = 5  # downloads of the first member's resume
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
SURNAME = STARTS[11] + ENDS[4]  # one of 250: of 10,000 members, 40 have it


class Person(NamedTuple):
    email: str
    name: str
    headline: str
    bio: str
    place: str
    skills: str
    links: str
    phone: str
    contact_email: str
    avatar: str
    avatar_small: str
    resume: str
    joined: datetime


def person(number: int) -> Person:
    """Return a member; every first name meets every surname before a middle initial is needed."""
    first = FIRST[number % len(FIRST)]
    surname = number // len(FIRST) % (len(STARTS) * len(ENDS))
    again = number // (len(FIRST) * len(STARTS) * len(ENDS))
    middle = f" {chr(ord('A') + again - 1)}." if again else ""
    place = PLACES[number % len(PLACES)]
    return Person(
        email=f"{number}@example.org",
        name=f"{first}{middle} {STARTS[surname // len(ENDS)]}{ENDS[surname % len(ENDS)]}",
        headline=f"{TRADES[number % len(TRADES)].capitalize()} in {place}, on rivers and coasts",
        bio=BIO.format(place=place),
        place=place,
        skills=", ".join(SKILLS[(number + other) % len(SKILLS)] for other in (0, 2, 3)),
        links=f"https://example.org/{number}",
        phone=f"+351 {number:09}",
        contact_email=f"{number}@example.net",
        avatar=f"avatars/{number:032x}.webp",
        avatar_small=f"avatars/{number:031x}s.webp",
        resume=f"resumes/{number:032x}.pdf",
        joined=BEGAN + timedelta(minutes=number),
    )
