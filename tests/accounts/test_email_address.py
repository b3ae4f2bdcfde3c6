"""E3: one form of an address, however it is typed, pasted or sent by a browser."""

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st

from portal.accounts.email_address import canonical, canonical_part, shown
from portal.accounts.invitations import invitation_url
from profiles.models import User
from tests.conftest import PASSWORD, make_member

LOGIN = "/accounts/login/"
MUELLER = "anna@xn--mller-kva.example"

ONE_ACCOUNT = {
    "as stored": MUELLER,
    "as people see it": "anna@müller.example",
    "capitals": "ANNA@MÜLLER.Example",
    "decomposed (NFD)": "anna@mu\u0308ller.example",
    "punycode in capitals": "Anna@XN--MLLER-KVA.example",
    "zero-width space": "an\u200bna@müller\u200b.example",
    "direction marks": "\u202aanna@müller.example\u202c\u200f",
    "soft hyphen and byte order mark": "\ufeffanna@mül\u00adler.example",
    "joiner where no script has one": "an\u200dna@mü\u200dller.example",
    "ideographic full stop": "anna@müller\u3002example",
    "wide signs": "anna\uff20müller\uff0eexample",
    "wide letters in the domain": "anna@müller.ｅｘａｍｐｌｅ",  # noqa: RUF001
    "spaces and line breaks around": "\u00a0 anna@müller.example\r\n",
    "root of the domain": "anna@müller.example.",
}

IMPOSSIBLE = {
    "nothing": "",
    "no @": "anna.example.org",
    "nothing before the @": "@example.org",
    "nothing after the @": "anna@",
    "two of them": "anna@example.org, ada@example.org",
    "a name around it": "Anna <anna@example.org>",
    "a space": "anna maria@example.org",
    "a no-break space": "anna\u00a0maria@example.org",
    "a line break": "anna@example.org\nBcc: all@example.org",
    "a NUL": "anna\0@example.org",
    "half a character": "anna\ud800@example.org",
    "two dots": "anna..maria@example.org",
    "a dot at the start": ".anna@example.org",
    "quotes": '"anna"@example.org',
    "letters that few servers take": "müller@example.org",
    "a dotted capital I": "\u0130da@example.org",
    "an invisible letter": "anna\u3164@example.org",
    "a domain of one label": "anna@localhost",
    "a number of the network": "anna@192.0.2.1",
    "such a number in brackets": "anna@[192.0.2.1]",
    "an empty label": "anna@example..org",
    "an underscore": "anna@exam_ple.org",
    "a hyphen at the end": "anna@example-.org",
    "a picture": "anna@\u2615.example",
    "punycode of nothing": "anna@xn--.example",
    "punycode of no letter": "anna@xn--a.example",
    "punycode that is not canonical": "anna@xn--example-.org",
    "a label of 64": f"anna@{'a' * 64}.org",
    "a name of 65": f"{'a' * 65}@example.org",
    "255 characters": f"anna@{'a.' * 123}exam",
    "a million characters": "a@" * 500_000,
}


@pytest.fixture
def anna(db):
    return make_member("anna@müller.example", name="Anna")


@pytest.mark.parametrize("typed", ONE_ACCOUNT.values(), ids=ONE_ACCOUNT)
def test_has_one_canonical_form(typed):
    assert canonical(typed) == MUELLER
    assert shown(MUELLER) == "anna@müller.example"


# The reasons, in the order of IMPOSSIBLE.
REASONS = [
    *["no_address"] * 4, *["space"] * 7, *["local_part"] * 6, *["domain"] * 11, *["too_long"] * 3
]  # fmt: skip
WORDS = {
    "no_address": "Please enter an address like name@example.org.",
    "space": "An e-mail address has no spaces or line breaks. Please enter one address alone.",
    "local_part": "“{}” before the @ is not a name that mail can be sent to. Please use an address "
    "with the letters a to z, digits and single dots there.",
    "domain": "“{}” is not a domain that mail can be sent to. Please check what comes after the @.",
    "too_long": "This address is longer than mail servers allow. Please check it.",
}


@pytest.mark.parametrize(
    ("typed", "reason"), list(zip(IMPOSSIBLE.values(), REASONS, strict=True)), ids=IMPOSSIBLE
)
def test_refuses_in_words_what_cannot_be_mailed(typed, reason):
    """The words name the part that is at fault, as far as it was read."""
    with pytest.raises(ValidationError) as refused:
        canonical(typed)

    local, _, domain = typed.lower().rpartition("@")
    part = {"local_part": local, "domain": domain}.get(reason, "")
    assert refused.value.code == reason
    assert refused.value.messages == [WORDS[reason].format(part)]


LONGEST_DOMAIN = f"{'a.' * 92}{'a' * 5}"  # with a name of 64 and the @, 254 characters


@pytest.mark.parametrize(
    ("typed", "is_taken"),
    [
        (f"{'a' * 64}@example.org", True),
        (f"{'a' * 65}@example.org", False),
        (f"{'a' * 64}@{LONGEST_DOMAIN}", True),
        (f"{'a' * 64}@{LONGEST_DOMAIN}a", False),
        (f"anna@{'a' * 63}.org", True),
        (f"anna@{'a' * 64}.org", False),
        ("anna@example.org".ljust(1000), True),
        ("anna@example.org".ljust(1001), False),
        ("anna@a.b", True),
        ("anna@a.7", False),
        ("anna@7.a", True),
    ],
)
def test_takes_what_is_as_long_as_servers_allow(typed, is_taken):
    """RFC 5321; what is typed around an address is no part of it, up to a thousand characters."""
    if is_taken:
        assert canonical(typed) == typed.strip()
    else:
        with pytest.raises(ValidationError):
            canonical(typed)


@pytest.mark.parametrize(
    ("part", "stored"),
    [
        ("Anna@MÜLLER", "anna@xn--mller-kva"),
        ("müller.exam", "xn--mller-kva.exam"),
        ("ANNA", "anna"),
        ("anna@", "anna@"),
        ("@Example.org ", "@example.org"),
        ("an\u200bna\uff20", "anna@"),
        ("Ada_L", "ada_l"),
        ("", ""),
    ],
)
def test_searches_for_a_part_of_an_address_as_it_is_stored(part, stored):
    assert canonical_part(part) == stored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@straße.de", "anna@strasse.de"),
        ("anna@faß.de", "anna@fass.de"),
        ("anna@نامه\u200cای.com", "anna@نامهای.com"),  # noqa: RUF001 - Persian
        ("anna+list@example.org", "anna@example.org"),
        ("an.na@example.org", "anna@example.org"),
    ],
)
def test_keeps_apart_what_are_two_mailboxes(one, other):
    assert canonical(one) != canonical(other)
    assert shown(canonical(one)) == one


def test_takes_a_domain_that_registries_have_sold_against_the_rule():
    assert canonical("info@ab--cd.org") == "info@ab--cd.org"


@pytest.mark.parametrize(
    "text",
    ["anna@xn--a.example", "anna@xn--example-.org", "Anna@xn--mller-kva.example", "", "xn--", "@"],
)
def test_shows_what_cannot_be_read_as_it_is(text):
    assert shown(text) == text


PARTS = st.text(st.sampled_from("aZ1.-@ \u200b\u200d\u202c\u3002üßİıſK\u0308ｅxn\uff20☕"))  # noqa: RUF001


@given(st.one_of(st.text(), PARTS, st.builds("{}@{}.example".format, PARTS, PARTS)))
@example("\u212a@example.org")  # the sign of Kelvin, which NFC makes a letter
def test_is_canonical_already_or_never(typed):
    """E3: what is stored, compared and shown leads back to itself; nothing else is raised."""
    try:
        address = canonical(typed)
    except ValidationError:
        return

    assert canonical(address) == canonical(shown(address)) == canonical(address.upper()) == address
    assert address.isascii()
    assert address == address.lower()
    assert User(email=address, password="x").clean_fields() is None


@pytest.mark.parametrize("typed", ONE_ACCOUNT.values(), ids=ONE_ACCOUNT)
def test_opens_one_account(client, anna, typed):
    """E3: log-in, reset and natural key."""
    client.post("/accounts/password/reset/", {"email": typed})
    client.post(LOGIN, {"login": typed, "password": PASSWORD})

    assert client.get(reverse("me")).status_code == 200
    assert [message.to for message in mail.outbox] == [[MUELLER]]
    assert User.objects.get_by_natural_key(typed) == anna
    assert User.objects.get(email__iexact=typed) == anna
    assert User.objects.filter(email__in=[typed]).get() == anna


@pytest.mark.parametrize("typed", ONE_ACCOUNT.values(), ids=ONE_ACCOUNT)
def test_is_taken_in_all_its_forms(client, anna, staff, typed):
    """E3: model, admin, createsuperuser."""
    client.force_login(staff)

    page = client.post("/admin/profiles/user/add/", {"email": typed, "name": "Another"})
    with pytest.raises(ValidationError):
        User(email=typed, password="x").full_clean()
    with pytest.raises(CommandError, match="taken"):
        call_command("createsuperuser", interactive=False, email=typed)

    errors = page.context["adminform"].form.errors
    assert errors == {"email": ["This is the address of a member already: Anna."]}
    assert User.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "make",
    [
        lambda email: User.objects.create_user(email),
        lambda email: User.objects.create(email=email),
        lambda email: User.objects.get_or_create(email=email),
        lambda email: User.objects.bulk_create([User(email=email)]),
        lambda email: call_command("createsuperuser", interactive=False, email=email, verbosity=0),
        lambda email: User.objects.filter(pk=make_member("old@example.org").pk).update(email=email),
    ],
    ids=["create_user", "create", "get_or_create", "bulk_create", "createsuperuser", "update"],
)
def test_is_stored_in_no_other_form(make):
    make("\u200bAnna@Müller.Example ")

    assert list(User.objects.values_list("email", flat=True)) == [MUELLER]
    assert str(User.objects.get()) == "anna@müller.example"


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [*IMPOSSIBLE.values(), None], ids=[*IMPOSSIBLE, "None"])
def test_is_not_stored_if_nothing_can_be_sent_to_it(typed):
    for make in (
        User.objects.create_user,
        lambda email: User.objects.create(email=email),
        lambda email: User.objects.bulk_create([User(email=email)]),
        lambda email: User.objects.update(email=email or ""),
    ):
        with pytest.raises((ValidationError, ValueError)), transaction.atomic():
            make(typed)

    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("typed", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_is_looked_for_in_vain_if_it_is_impossible(typed):
    """E3: never an error of the database."""
    make_member("anna@example.org")

    for lookup in ({"email": typed}, {"email__in": [typed]}, {"email__iexact": typed}):
        assert not User.objects.filter(**lookup).exists()
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key(typed)


@pytest.mark.parametrize("case", [case for case in IMPOSSIBLE if case != "half a character"])
def test_is_explained_at_the_field_if_it_is_impossible(client, staff, case):
    """E3."""
    typed = IMPOSSIBLE[case]
    pages = [
        client.post(LOGIN, {"login": typed, "password": PASSWORD}),
        client.post("/accounts/password/reset/", {"email": typed}),
    ]
    client.force_login(staff)
    pages.append(client.post("/admin/profiles/user/add/", {"email": typed, "name": "X"}))
    search = client.get("/admin/profiles/user/", {"q": typed[:2000]})

    assert all(page.status_code == 200 and b"errorlist" in page.content for page in pages)
    assert search.status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "text", ["müller", "anna@müller.example", "MÜLLER", "mu\u0308ller", "xn--mller", "anna", "Anna"]
)
def test_is_found_by_the_staff_in_any_form(client, anna, staff, text):
    client.force_login(staff)

    assert list(client.get("/admin/profiles/user/", {"q": text}).context["cl"].queryset) == [anna]


def test_is_shown_to_people_in_its_own_letters(client, anna, staff):
    client.force_login(staff)
    pages = [
        client.get("/admin/profiles/user/"),
        client.get(f"/admin/profiles/user/{anna.pk}/change/"),
    ]
    client.force_login(anna)
    pages.append(client.get("/accounts/email/"))

    for page in pages:
        assert "anna@müller.example" in page.content.decode()
        assert "xn--" not in page.content.decode()


def test_is_shown_so_to_whoever_chooses_a_first_password(client, anna):
    anna.set_unusable_password()
    anna.save()
    client.force_login(anna)

    invitation = client.get(invitation_url(anna, ""), follow=True).content.decode()
    first_password = client.get("/accounts/password/set/").content.decode()

    of_whom = "of whom is invited, with that for password managers, and who is logged in"
    assert invitation.count("anna@müller.example") == 3, of_whom
    assert "anna@müller.example" in first_password
    assert "xn--" not in invitation + first_password


def test_is_unchanged_when_a_form_comes_back_with_the_letters_shown(client, anna, staff):
    client.force_login(staff)
    address = f"/admin/profiles/user/{anna.pk}/change/"
    form = client.get(address).context["adminform"].form

    shown_value = form["email"].value()

    assert shown_value == "anna@müller.example"
    assert not form.fields["email"].has_changed(form.initial["email"], shown_value)
    assert get_user_model().objects.get(pk=anna.pk).email == MUELLER


@pytest.mark.parametrize("address", ["ada lovelace@example.org", "ada@exam ple.org", "a@b.org c"])
def test_a_blank_inside_is_called_a_blank(address):
    with pytest.raises(ValidationError) as refused:
        canonical(address)

    assert refused.value.code == "space"
