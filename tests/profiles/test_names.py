"""Names and headlines: one form in storage and search, and nothing that cannot be seen."""

import re
import unicodedata

import pytest
from django.core.exceptions import ValidationError

from profiles.directory.fold import fold
from profiles.fields import MAX_MARKS, SHORT, composed
from profiles.models import Profile, User
from profiles.validators import is_printable, is_visible

pytestmark = pytest.mark.django_db

TYPED_ON_A_MAC, STORED = "Ame\u0301lie Nguye\u0302\u0303n", "Am\u00e9lie Nguy\u1ec5n"

UNPRINTABLE = {
    "a control character": "Ada\x07Lovelace",
    "a line break": "Ada\nLovelace",
    "a line separator": "Ada\u2028Lovelace",
    "a paragraph separator": "Ada\u2029Lovelace",
    "a direction mark": "Ada\u202eLovelace",
}
INVISIBLE = {
    "zero-width spaces": "\u200b\u200b",
    "a joiner": "\u200d",
    "a filler of Korean": "\u3164",
    "an empty cell of Braille": "\u2800",
    "an accent alone": "\u0301",
    "a soft hyphen": "\u00ad",
}
EMPTY = {"nothing": "", "spaces": "   ", "a no-break space": "\u00a0"}


def edit(client, **fields):
    return client.post("/me/edit/", {"name": "Ada", "visibility": "members", **fields})


def invite(client, name):
    return client.post("/admin/profiles/user/add/", {"email": "new@example.org", "name": name})


@pytest.mark.parametrize(
    "character",
    [
        *"\x00\x07\n\x7f\x85\ud800\u2028\u2029",
        *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ],
)
def test_a_sign_that_does_harm_is_not_printable(character):
    assert not is_printable(character)


@pytest.mark.parametrize("character", [*"aß٣!€ \u00a0\u00ad\u200b\u200c\u200d\u0301\u3164"])
def test_any_other_sign_is_printable(character):
    """Joiners are needed for Persian names; what is invisible alone is allowed beside letters."""
    assert is_printable(character)


@pytest.mark.parametrize(
    ("character", "is_seen"),
    [
        *((each, True) for each in "aßم٣½!«€+"),
        *((each, False) for each in " \u00a0\u0301\u200b\u200d\x07"),
        *((each, False) for each in "\u115f\u1160\u2800\u3164\uffa0"),
    ],
)
def test_letters_numbers_and_signs_are_seen_and_blanks_are_not(character, is_seen):
    assert is_visible(character) is is_seen


@pytest.mark.parametrize("field", ["name", "headline"])
def test_a_line_is_stored_composed_by_a_form_and_by_code(client, member, field):
    client.force_login(member)

    edit(client, **{field: TYPED_ON_A_MAC})
    assert Profile.objects.values_list(field, flat=True).get() == STORED

    profile = Profile.objects.get()
    setattr(profile, field, TYPED_ON_A_MAC + "!")
    profile.save()
    assert getattr(profile, field) == STORED + "!"
    Profile.objects.update(**{field: TYPED_ON_A_MAC})
    assert Profile.objects.filter(**{field: TYPED_ON_A_MAC}).get() == member.profile
    assert Profile.objects.values_list(field, flat=True).get() == STORED


@pytest.mark.parametrize("field", ["name", "headline", "place", "skills", "links", "phone"])
@pytest.mark.parametrize("marks", ["\u0345\u0334", "\u0f73"], ids=["marks", "pairs of marks"])
def test_no_form_sorts_thousands_of_marks(client, member, monkeypatch, field, marks):
    """The time grows with the square of their number: a megabyte would stop a process for an hour.

    The resume's text, which comes from a PDF, is folded by the same function.
    """
    client.force_login(member)
    sorted_at_once, normalize = [0], unicodedata.normalize

    def normalized(form, text):
        sorted_at_once.extend(map(len, re.findall(f"[{marks}]+", text)))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", normalized)
    page = edit(client, **{field: f"a{marks * 3_000}"})
    fold(f"a{marks * 3_000}")

    assert page.context["form"].errors.keys() == {field}
    assert max(sorted_at_once) <= MAX_MARKS


@pytest.mark.parametrize("length", [4, SHORT, 2 * SHORT])
def test_a_text_of_any_length_is_composed(length):
    """The control: with as many marks on a letter as a long text may have, and more in a short."""
    marks = "\u0301" * MAX_MARKS
    text = f"{TYPED_ON_A_MAC} a{marks}".ljust(length)

    assert composed(text) == unicodedata.normalize("NFC", text) != text
    is_composed = composed(f"{text}a{marks}\u0301").startswith(STORED)
    assert is_composed == (length < SHORT)


@pytest.mark.parametrize("text", [TYPED_ON_A_MAC, STORED, "ame\u0301lie", "nguy\u1ec5n"])
@pytest.mark.parametrize("address", ["/members/", "/admin/profiles/user/"])
def test_a_name_is_found_however_its_accents_are_typed(client, member, staff, address, text):
    member.profile.name = TYPED_ON_A_MAC
    member.profile.save()
    client.force_login(staff)

    context = client.get(address, {"q": text}).context

    found = context["page"] if "page" in context else context["cl"].queryset
    assert [each.pk for each in found] == [member.profile.pk if "page" in context else member.pk]


@pytest.mark.parametrize("field", ["name", "headline"])
@pytest.mark.parametrize("text", UNPRINTABLE.values(), ids=UNPRINTABLE)
def test_a_line_has_no_character_that_nobody_can_see(client, member, field, text):
    client.force_login(member)

    page = edit(client, **{field: text})

    assert page.status_code == 200
    assert list(page.context["form"].errors) == [field]
    with pytest.raises(ValidationError, match="can be seen"):
        Profile(user=member, **{field: text}).full_clean(exclude=["user"])


@pytest.mark.parametrize("text", [*INVISIBLE.values(), *EMPTY.values()], ids=[*INVISIBLE, *EMPTY])
def test_a_member_who_has_a_name_keeps_one(client, member, text):
    """The control: another name is taken."""
    client.force_login(member)

    page = edit(client, name=text)

    assert page.status_code == 200
    assert list(page.context["form"].errors) == ["name"]
    assert Profile.objects.get().name == "Ada Lovelace"
    assert edit(client, name="Ada King").status_code == 302
    assert Profile.objects.get().name == "Ada King"


def test_a_member_without_a_name_may_wait_with_it(client, member):
    Profile.objects.update(name="")
    client.force_login(member)

    assert edit(client, name="", headline="Analyst").status_code == 302


@pytest.mark.parametrize(
    "name",
    [*UNPRINTABLE.values(), *INVISIBLE.values(), *EMPTY.values(), "x" * 151],
    ids=[*UNPRINTABLE, *INVISIBLE, *EMPTY, "151 characters"],
)
def test_an_invitation_keeps_the_rules_of_a_name(client, staff, name):
    """The control: a name in Persian, with the joiner that it needs, and typed on a Mac."""
    client.force_login(staff)

    page = invite(client, name)

    assert list(page.context["adminform"].form.errors) == ["name"]
    assert not User.objects.filter(email="new@example.org").exists()
    assert invite(client, "\u0645\u06cc\u200c\u0646\u0627 " + TYPED_ON_A_MAC).status_code == 302
    assert Profile.objects.get(user__email="new@example.org").name.endswith(STORED)
