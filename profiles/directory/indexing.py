"""Keeps what the search reads true to what members have written.

Profile.save() calls `index`, and `manage.py index_profiles` does for rows that were written
without it (bulk_create(), update(), SQL) or folded by an older version.
"""

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Left

from profiles.access import Audience, is_open_to
from profiles.details import split_skills

from .fold import fold, sort_key
from .models import ProfileWord, WordDeletion
from .near import FIRST_LETTERS, can_be_near, deletions
from .resume_texts import renew
from .tags import Tag, tags_of

BATCH = 250
SOURCES = frozenset(
    {"name", "headline", "bio", "place", "place_visibility", "skills", "skills_visibility"}
)


class Texts(NamedTuple):
    """The folded texts of one profile, named as the columns of DirectoryEntry."""

    name: str
    headline: str
    everyone: str
    members: str
    everyone_details: str
    members_details: str


def texts_of(profile) -> Texts:
    """Fold a profile, for each audience what it may see: access.py has the rule."""
    texts = profile.name, profile.headline, profile.bio
    name, headline, bio = (spaced(fold(text)) for text in texts)
    everyone, members = (
        details_for(audience, profile) for audience in (Audience.EVERYONE, Audience.MEMBERS)
    )
    # No phrase reaches from one field into the next.
    return Texts(
        name,
        headline,
        everyone="\n".join(filter(None, [name, headline, everyone])),
        members="\n".join(filter(None, [name, headline, members, bio])),
        everyone_details=everyone,
        members_details=members,
    )


def details_for(readers: Audience, profile) -> str:
    """Fold the skills, one a line, and the place, where these readers may see them."""
    texts = {"skills": split_skills(profile.skills), "place": [profile.place]}
    return "\n".join(
        spaced(fold(text))
        for field, lines in texts.items()
        if is_open_to(readers, profile, field)
        for text in lines
        if text
    )


def spaced(folded: str) -> str:
    return f" {folded} "


def words_of(texts: Texts) -> dict[str, bool]:
    """Return the words that may be misspelled in a search: True for those everyone may see."""
    everyone = {*texts.everyone.split(), *joined(texts.name)}
    words = dict.fromkeys(texts.members.split(), False) | dict.fromkeys(everyone, True)
    return {word: for_everyone for word, for_everyone in words.items() if can_be_near(word)}


def joined(name: str) -> set[str]:
    """Return a name's neighbouring words as one: "Anna Maria" is written "Annamaria", too."""
    words = name.split()
    return {first + second for first, second in pairwise(words)}


def index(profiles, *, dry_run=False) -> int:
    """Write what is missing or wrong for these profiles; return for how many it was.

    `profiles` are locked, so that nobody changes one between reading and writing; a migration
    passes its own models' rows.
    """
    with transaction.atomic(using=profiles.db):
        rows = profiles.select_for_update(of=("self",)).order_by("pk")
        locked = rows.only(*SOURCES, "sort_key", "resume")
        found = {profile: texts_of(profile) for profile in locked}
        pks = [each.pk for each in found]
        entries = related(profiles, "DirectoryEntry").in_bulk(pks)
        tags = stored_tags(related(profiles, "ProfileTag").filter(profile__in=pks))
        wrong = []
        for profile, texts in found.items():
            entry = entries.get(profile.pk)
            is_right = entry and texts == tuple(getattr(entry, name) for name in Texts._fields)
            is_right = is_right and tags.get(profile.pk, {}) == tags_of(profile)
            if not is_right or profile.sort_key != sort_key(profile.name):
                wrong.append((profile, texts))
        if not dry_run:
            write(profiles, wrong)
        resumes = renew(related(profiles, "ResumeText"), found, dry_run=dry_run)
    return len({profile.pk for profile, _ in wrong} | resumes)


def related(profiles, name):
    """Return the rows of a model beside Profile, which in a migration is a historical one."""
    model = profiles.model._meta.apps.get_model("profiles", name)
    return model._default_manager.using(profiles.db)


def write(profiles, wrong) -> None:
    misplaced = [each for each, _ in wrong if each.sort_key != sort_key(each.name)]
    for profile in misplaced:
        profile.sort_key = sort_key(profile.name)
    profiles.model._default_manager.using(profiles.db).bulk_update(misplaced, ["sort_key"], BATCH)
    entries = related(profiles, "DirectoryEntry")
    entries.bulk_create(
        (entries.model(profile_id=profile.pk, **texts._asdict()) for profile, texts in wrong),
        update_conflicts=True,
        unique_fields=["profile"],
        update_fields=Texts._fields,
    )
    write_words(profiles, {profile.pk: words_of(texts) for profile, texts in wrong})
    write_tags(profiles, {profile.pk: tags_of(profile) for profile, _ in wrong})


def stored_tags(rows) -> dict[int, dict[Tag, bool]]:
    """Return the tags in the index, by the primary key of their profile."""
    stored = defaultdict(dict)
    for row in rows:
        stored[row.profile_id][Tag(row.kind, row.key, row.label)] = row.for_everyone
    return stored


def write_tags(profiles, wanted: dict[int, dict[Tag, bool]]) -> None:
    """Replace the tags of profiles."""
    rows = related(profiles, "ProfileTag")
    rows.filter(profile__in=wanted).delete()
    rows.bulk_create(
        (
            rows.model(profile_id=pk, for_everyone=shown, **tag._asdict())
            for pk, tags in wanted.items()
            for tag, shown in tags.items()
        ),
        batch_size=BATCH,
    )


def write_words(profiles, wanted: dict[int, dict[str, bool]]) -> None:
    """Make the rows of words those that are wanted, touching only what differs."""
    rows = related(profiles, "ProfileWord")
    obsolete = []
    missing = {(pk, word): shown for pk, words in wanted.items() for word, shown in words.items()}
    for row in rows.filter(profile__in=wanted).iterator(BATCH):
        if missing.get((row.profile_id, row.word)) == row.for_everyone:
            del missing[row.profile_id, row.word]
        else:
            obsolete.append(row.pk)
    for start in range(0, len(obsolete), BATCH):
        rows.filter(pk__in=obsolete[start : start + BATCH]).delete()
    rows.bulk_create(
        (
            rows.model(profile_id=pk, word=word, for_everyone=shown)
            for (pk, word), shown in sorted(missing.items())
        ),
        batch_size=BATCH,
    )
    learn(related(profiles, "WordDeletion"), sorted({word for _, word in missing}))


def learn(rows, words: list[str]) -> None:
    """Add words to those that typos are compared with."""
    for start in range(0, len(words), BATCH):
        batch = words[start : start + BATCH]
        starts = {word[:FIRST_LETTERS] for word in batch}
        known = set(rows.filter(rest__in=starts, word__in=batch).values_list("word", flat=True))
        rows.bulk_create(
            # Sorted: two transactions that add the same words wait for one another in one order.
            (
                rows.model(rest=rest, word=word)
                for word in batch
                if word not in known
                for rest in sorted(deletions(word))
            ),
            batch_size=BATCH,
            ignore_conflicts=True,
        )


def index_all(profiles, *, after=0, dry_run=False):
    """Index all profiles; yield, for each batch, its last pk, its size and how many were wrong.

    What is right already is only read. So a run that was ended early may be repeated.
    """
    while pks := list(
        profiles.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        after = pks[-1]
        yield after, len(pks), index(profiles.filter(pk__in=pks), dry_run=dry_run)


def forget_unused_words() -> int:
    """Delete the words that no profile has any more; return how many rows it was."""
    used = ProfileWord.objects.filter(word=OuterRef("word"))
    return WordDeletion.objects.exclude(Exists(used)).delete()[0]


def learn_missing_words() -> int:
    """Add words that typos are not compared with, and return how many.

    They are those of a profile that was saved while `forget_unused_words` deleted them.
    """
    start = Left(OuterRef("word"), FIRST_LETTERS)
    known = WordDeletion.objects.filter(rest=start, word=OuterRef("word"))
    words = ProfileWord.objects.exclude(Exists(known)).values_list("word", flat=True)
    missing = sorted(set(words))
    learn(WordDeletion.objects, missing)
    return len(missing)


def rebuild() -> None:
    """Index all profiles after their rows were changed without saving them, and nothing else."""
    profiles = ProfileWord._meta.get_field("profile").related_model
    for _ in index_all(profiles._default_manager.all()):
        pass
    forget_unused_words()
    learn_missing_words()
