"""What a visitor may ask of the directory. All of it is in the address, so a list can be shared."""

import string

from django import forms
from django.db.models import Q

from .search import ALPHABETICALLY, NEWEST_FIRST

OTHER = "other"  # numbers, signs, and nameless members
NEWEST = "new"


class DirectoryForm(forms.Form):
    """The search box, the filters and the order. What makes no sense counts as not asked."""

    q = forms.CharField(required=False, max_length=100, strip=True)
    sort = forms.ChoiceField(required=False, choices=[("", "By name"), (NEWEST, "Newest first")])
    letter = forms.ChoiceField(
        required=False,
        choices=[("", "All")]
        + [(letter, letter.upper()) for letter in string.ascii_lowercase]
        + [(OTHER, "Other")],
    )
    resume = forms.BooleanField(required=False)

    def __init__(self, data, *, for_members: bool):
        super().__init__(data)
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
    def with_resume(self) -> bool:
        return self.cleaned_data.get("resume", False)

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen_letter or self.with_resume)

    @property
    def order(self) -> tuple[str, ...]:
        return NEWEST_FIRST if self.cleaned_data.get("sort") == NEWEST else ALPHABETICALLY

    def letters(self) -> list[tuple[str, str, bool]]:
        """Return each letter's label, address and whether it is chosen; other choices are kept."""
        asked = self.data.copy()
        for name in ("letter", "page"):
            asked.pop(name, None)
        others, chosen = f"?{asked.urlencode()}", self.chosen_letter
        link = f"{others}&letter=" if asked else "?letter="
        return [
            (label, link + value if value else others, value == chosen)
            for value, label in self.fields["letter"].choices
        ]

    def filters(self) -> Q:
        """Return the condition for the profiles that are listed or searched."""
        condition = starts_with(self.chosen_letter)
        return condition & ~Q(resume="") if self.with_resume else condition


def starts_with(letter: str) -> Q:
    """Return the condition that people are sorted under a letter."""
    if letter == OTHER:
        return Q(sort_key__lt="a") | Q(sort_key__gte=chr(ord("z") + 1))
    if letter:
        return Q(sort_key__gte=letter, sort_key__lt=chr(ord(letter) + 1))
    return Q()
