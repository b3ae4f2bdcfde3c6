"""What a visitor may ask of the directory. All of it is in the address, so a list can be shared."""

import string
from typing import NamedTuple

from django import forms
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy

from .search import ALPHABETICALLY, NEWEST_FIRST
from .tags import PLACE, SKILL, has_tag, tag_key

OTHER = "other"  # numbers, signs, and nameless members
LETTERS = [
    ("", pgettext_lazy("letters of names", "All")),
    *((letter, letter.upper()) for letter in string.ascii_lowercase),
    (OTHER, pgettext_lazy("letters of names", "Other")),
]
NEWEST = "new"
MAX_SKILLS_ASKED = 5
MAX_TAG = 100  # letters
SHORT_QUERY = 100  # characters, encoded: of more than this, no part of the page is kept


class Chip(NamedTuple):
    """A filter in use, and the query of the address that leads to the list without it."""

    kind: str
    label: str
    query_without: str


class Asked(NamedTuple):
    """The values of the search box, as they were asked."""

    q: str
    place: str  # as it was typed
    skills: tuple[str, ...]
    letter: str
    newest_first: bool
    with_resume: bool
    may_ask_for_resumes: bool


class TextsField(forms.MultipleChoiceField):
    """Texts that an address may repeat: ?skill=R&skill=GIS."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value):
        return [text[:MAX_TAG] for text in super().to_python(value)]

    def valid_value(self, value):
        return True


class DirectoryForm(forms.Form):
    """The search box, the filters and the order. What makes no sense counts as not asked."""

    q = forms.CharField(required=False, max_length=100)
    # No fields of choices: each request has a form of its own, with copies of all choices.
    sort = forms.RegexField(f"^{NEWEST}$", required=False)
    letter = forms.RegexField(rf"^([a-z]|{OTHER})$", required=False)
    place = forms.CharField(required=False, max_length=MAX_TAG)
    skill = TextsField(required=False)
    resume = forms.BooleanField(required=False)

    def __init__(self, data, *, for_members: bool):
        super().__init__(data)
        self.for_members = for_members
        if not for_members:
            del self.fields["resume"]  # a count must not tell who has one
        self.full_clean()

    @property
    def text(self) -> str:
        return self.cleaned_data.get("q", "")

    @property
    def chosen_letter(self) -> str:
        return self.cleaned_data.get("letter", "")

    @property
    def place_asked(self) -> str:
        """Return the place; a text without a word of any alphabet asks for nothing."""
        place = self.cleaned_data.get("place", "")
        return place if tag_key(place) else ""

    @property
    def skills_asked(self) -> list[str]:
        """Return the skills, of which a profile must have all, each once."""
        skills = {tag_key(text): text.strip() for text in self.cleaned_data.get("skill", [])}
        skills.pop("", None)
        return list(skills.values())[:MAX_SKILLS_ASKED]

    @property
    def with_resume(self) -> bool:
        return self.cleaned_data.get("resume", False)

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen_letter or self.chips())

    def chips(self) -> list[Chip]:
        """Return the filters in use, but for the letter."""
        chips = [(PLACE, self.place_asked, [])] if self.place_asked else []
        for skill in self.skills_asked:
            others = [each for each in self.skills_asked if each != skill]
            chips.append((SKILL, skill, others))
        if self.with_resume:
            chips.append(("resume", gettext("With a resume"), []))
        return [Chip(kind, label, self.query_with(kind, others)) for kind, label, others in chips]

    @property
    def words_asked(self) -> str:
        """Return the place and the skills as words to search for instead."""
        return " ".join(filter(None, [self.place_asked, *self.skills_asked]))[:MAX_TAG]

    def query_with(self, name: str, values: list[str]) -> str:
        """Return the query of the address with other values of one field, from its first page."""
        query = self.data.copy()
        query.setlist(name, values)
        query.pop("page", None)
        return query.urlencode()

    @property
    def is_short(self) -> bool:
        """Return True for a query that parts of the page may repeat and be kept with."""
        return len(self.data.urlencode()) <= SHORT_QUERY

    def asked(self) -> Asked:
        """Return what the search box shows."""
        return Asked(
            self.text,
            self.data.get("place", ""),
            tuple(self.skills_asked),
            self.chosen_letter,
            self.order == NEWEST_FIRST,
            self.with_resume,
            "resume" in self.fields,
        )

    @property
    def order(self) -> tuple[str, ...]:
        return NEWEST_FIRST if self.cleaned_data.get("sort") == NEWEST else ALPHABETICALLY

    def letters(self) -> tuple[tuple[str, str, bool], ...]:
        """Return each letter's label, address and whether it is chosen; other choices are kept."""
        asked = self.data.copy()
        for name in ("letter", "page"):
            asked.pop(name, None)
        others, chosen = f"?{asked.urlencode()}", self.chosen_letter
        link = f"{others}&letter=" if asked else "?letter="
        return tuple(
            (str(label), link + value if value else others, value == chosen)
            for value, label in LETTERS
        )

    def filters(self) -> Q:
        """Return the condition for the profiles that are listed or searched."""
        condition = starts_with(self.chosen_letter)
        if self.place_asked:
            condition &= has_tag(PLACE, self.place_asked, for_members=self.for_members)
        for skill in self.skills_asked:
            condition &= has_tag(SKILL, skill, for_members=self.for_members)
        return condition & ~Q(resume="") if self.with_resume else condition


def starts_with(letter: str) -> Q:
    """Return the condition that people are sorted under a letter."""
    if letter == OTHER:
        return Q(sort_key__lt="a") | Q(sort_key__gte=chr(ord("z") + 1))
    if letter:
        return Q(sort_key__gte=letter, sort_key__lt=chr(ord(letter) + 1))
    return Q()
