"""Finds the member that a file's name means: by an address in it, or by the words of a name."""

import re
from contextlib import suppress
from itertools import permutations
from pathlib import PurePath
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q

from portal.accounts.email_address import canonical
from profiles.directory.fold import fold
from profiles.models import Profile

from .models import How

MAX_WORDS = 5  # of a name whose words are tried in any order
MAX_CANDIDATES = 6
MAX_TEXT, MAX_ALL_WORDS = 255, 12  # of what is matched at all
MAX_TYPED = 500  # letters; the label of a member, with name and address, has at most 407
ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+")
AT = re.compile(r"[ _.(\[-]at[ _.)\]-]", re.IGNORECASE)
# Words of file names that are seldom those of people; tried as part of a name first.
NOISE = frozenset(
    re.findall(
        r"\w+",
        "img image photo foto bild portrait portrat passbild avatar profile profil headshot "
        "picture pic dsc dscn pxl scan cv resume lebenslauf vita curriculum vitae copy kopie "
        "copie copia final neu new web small large cropped edited of von the ",
    )
)


class Match(NamedTuple):
    """The member whom a name means, and how sure that is; or those among whom to choose."""

    how: str
    profile: Profile | None = None
    candidates: tuple[Profile, ...] = ()


def match(filename: str, folder: str, profiles) -> Match:
    """Match a file by its own name, or else by the name of the folder that it was in."""
    found = match_text(PurePath(filename).stem, profiles)
    if found.how == How.NOBODY:
        found = match_text(folder, profiles)
    return found


def match_text(text: str, profiles) -> Match:
    """Match a text with members, from the surest way to the least sure."""
    text = text[:MAX_TEXT]
    if holder := by_address(text, profiles):
        return Match(How.CERTAIN, holder)
    for words in spellings(text):
        if found := whole_names(words, profiles):
            return verdict(found, How.CERTAIN)
    for words in spellings(text):
        if found := parts_of_names(words, profiles):
            return verdict(found, How.LIKELY)
    return Match(How.NOBODY)


def verdict(found: list[Profile], how: str) -> Match:
    return Match(how, found[0]) if len(found) == 1 else Match(How.AMBIGUOUS, None, tuple(found))


def by_address(text: str, profiles) -> Profile | None:
    """The member whose address is in a text, whatever stands behind it."""
    text = text if "@" in text else AT.sub("@", text, count=1)
    if not (written := ADDRESS.search(text)):
        return None
    tried, address = [], written[0]
    while "." in address.rpartition("@")[2]:
        with suppress(ValidationError):
            tried.append(canonical(address))
        address = address[: max(address.rfind(mark) for mark in "._-")]
    found = profiles.filter(user__email__in=tried).select_related("user")
    return min(found, key=lambda each: tried.index(each.user.email), default=None)


def spellings(text: str) -> list[list[str]]:
    """The words of a name as a file may hold them: each way once, the likeliest first."""
    words = [word for word in fold(separated(text)).split() if not word.isdecimal()]
    without_noise = [word for word in words if word not in NOISE]
    ways = [words[:MAX_ALL_WORDS], without_noise[:MAX_ALL_WORDS]]
    ways += [[re.sub("([aou])e", r"\1", word) for word in way] for way in ways]  # Mueller
    return [list(way) for way in dict.fromkeys(map(tuple, ways)) if way]


def separated(text: str) -> str:
    """Part words that are written together: LovelaceAda, lovelace_ada, lovelace2024."""
    text = re.sub(r"[\d_]+", " ", text)
    return "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(f" {text}", text, strict=False)
    )


def whole_names(words: list[str], profiles) -> list[Profile]:
    """Members whose name has exactly these words, in any order."""
    names = [" ".join(order) for order in permutations(words)] if len(words) <= MAX_WORDS else []
    return listed(profiles.filter(sort_key__in=names or [" ".join(words)]))


def parts_of_names(words: list[str], profiles) -> list[Profile]:
    """Members whose name has all these words and more, or all of whose name is among these."""
    among = Q()
    for word in words:
        among &= Q(entry__name__contains=f" {word} ")
    if found := listed(profiles.filter(among)):
        return found
    slices = [words[start : start + size] for size in (3, 2) for start in range(len(words))]
    names = {" ".join(order) for part in slices if len(part) > 1 for order in permutations(part)}
    return listed(profiles.filter(sort_key__in=names))


def listed(found) -> list[Profile]:
    return list(found.select_related("user").order_by("sort_key", "pk")[:MAX_CANDIDATES])


def resolve(text: str, profiles) -> Match:
    """Find the member whom the staff have typed or chosen: by an address, or a whole name.

    The time that ADDRESS takes grows with the square of the text's length.
    """
    text = text[:MAX_TYPED]
    if "@" in text:
        holder = by_address(text, profiles)
        return Match(How.CHOSEN, holder) if holder else Match(How.NOBODY)
    found = whole_names(fold(text).split(), profiles)
    return verdict(found, How.CHOSEN) if found else Match(How.NOBODY)
