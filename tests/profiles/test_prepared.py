"""Pages whose SQL is built once ask anew each time, and show what is so by then."""

import string

import pytest
from django.contrib.auth.models import AnonymousUser

from profiles.directory.everybody import Everybody
from profiles.directory.query import Query
from profiles.directory.search import ALPHABETICALLY, found_in_texts
from profiles.models import Profile, User
from profiles.prepared import Prepared
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def pages(client, member):
    """Whom a member finds on the pages that show others."""
    client.force_login(member)
    return lambda: [
        client.get(address).content.decode().count("Ottoline")
        for address in ("/", "/members/", "/members/?sort=new", "/members/?q=ottoline")
    ]


@pytest.fixture
def ottoline(db):
    return make_member("ottoline@example.org", name="Ottoline", visibility="public")


@pytest.mark.parametrize(
    "hide",
    [
        lambda user: Profile.objects.filter(user=user).update(visibility="hidden"),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: user.delete(),
    ],
    ids=["hidden", "inactive", "deleted"],
)
def test_nobody_is_shown_who_was_hidden_after_the_last_page(client, pages, ottoline, hide):
    address = ottoline.profile.get_absolute_url()
    before, was_there = pages(), client.get(address).status_code

    hide(ottoline)

    after = pages()
    assert (before[0], min(before), was_there) == (1, 1, 200)
    assert (sum(after[:3]), after[3] < before[3]) == (0, True)  # the search repeats what was typed
    assert client.get(address).status_code == 404


def test_a_card_shows_what_its_member_has_changed(client, pages, ottoline):
    pages()

    Profile.objects.filter(user=ottoline).update(headline="Bell ringer", avatar="avatars/new.webp")

    page = client.get("/members/").content.decode()
    assert "Bell ringer" in page
    assert "avatars/new.webp" in page


def test_a_page_that_members_have_seen_shows_visitors_no_more_than_before(client, member):
    make_member("among@example.org", name="Only Among Us", visibility="members")
    client.force_login(member)
    assert "Only Among Us" in client.get("/members/").content.decode()

    client.logout()

    assert "Only Among Us" not in client.get("/members/").content.decode()


@pytest.mark.parametrize("pk", [2**63 - 1, 2**63, 10**30, 9_000, 9_001])
def test_a_key_that_no_row_has_is_not_found(client, member, pk):
    client.force_login(member)

    assert client.get(f"/members/{pk}/").status_code == 404
    assert client.get(f"/members/{pk}/resume/").status_code == 404


@pytest.mark.parametrize("number", [1, 8, 9, 26])
def test_a_search_of_any_number_of_words_finds_who_has_them(client, member, ottoline, number):
    """The control: with a word more that nobody has, nobody is found."""
    ottoline.profile.bio = " ".join(string.ascii_lowercase)
    ottoline.profile.save()
    client.force_login(member)
    words = " ".join(reversed(string.ascii_lowercase[-number:]))

    found = client.get("/members/", {"q": words, "sort": "new"}).context["page"]
    nobody = client.get("/members/", {"q": f"{words} 77"}).context["page"]

    assert [card.name for card in found] == ["Ottoline"]
    assert list(nobody) == []


@pytest.mark.parametrize("query", ["q=ottoline&letter=o", "q=ottoline+a+b+c+d+e+f+g+h", "letter=o"])
def test_whoever_is_hidden_is_found_by_no_query_that_is_built_for_once(client, member, query):
    """With filters, or of many words. The staff, who see everybody, are the control."""
    hal = make_member("hal@example.org", name="Ottoline", visibility="hidden").profile
    hal.bio = "a b c d e f g h"
    hal.save()
    client.force_login(member)
    assert list(client.get(f"/members/?{query}").context["page"]) == []

    member.is_staff = True
    member.save()

    assert [card.pk for card in client.get(f"/members/?{query}").context["page"]] == [hal.pk]


@pytest.mark.parametrize("text", ["\ue001", "\ue000 \ue001", "ottoline \ue001 \ue002"])
def test_a_search_for_signs_of_no_alphabet_finds_who_has_the_rest(client, member, ottoline, text):
    client.force_login(member)

    found = [card.name for card in client.get("/members/", {"q": text}).context["page"]]

    assert found == (["Ottoline"] if "ottoline" in text else [])


def test_a_card_is_in_the_language_of_each_reader(client):
    make_member("nameless@example.org", name="", visibility="public")

    texts = [
        client.get("/members/", headers={"Accept-Language": language}).content.decode()
        for language in ("en", "de", "en")
    ]

    assert ["Unnamed member" in text for text in texts] == [True, False, True]
    assert "Mitglied ohne Namen" in texts[1]


def test_the_staff_see_the_hidden_ones_whom_members_do_not(client, member, staff):
    hidden = make_member("hidden@example.org", name="Hidden Hal", visibility="hidden").profile
    client.force_login(member)
    members = "Hidden Hal" in client.get("/members/").content.decode()
    assert client.get(hidden.get_absolute_url()).status_code == 404

    client.force_login(staff)

    assert "Hidden Hal" in client.get("/members/").content.decode()
    assert client.get(hidden.get_absolute_url()).status_code == 200
    assert not members


def test_only_those_are_counted_whom_the_reader_may_see(client, ottoline):
    """An address with a page's number has them counted, however few they are."""
    make_member("hidden@example.org", name="Hidden Hal", visibility="hidden")

    assert client.get("/members/?page=1").context["page"].paginator.count == 1


def test_no_more_rows_are_counted_than_are_asked_for(member, other_member):
    """A list of 100,000 would be read to the end."""
    assert [Everybody(member, ALPHABETICALLY).count_to(most) for most in (1, 2, 3)] == [1, 2, 2]


def test_a_query_is_built_once_for_each_kind_of_reader(member, other_member, staff):
    built = []

    @Prepared
    def seen(user, *pks):
        built.append((user.is_staff, user.is_authenticated, len(pks)))
        return Profile.objects.visible_to(user).filter(pk__in=pks).values_list("pk")

    pk = member.profile.pk
    for reader in (member, other_member, staff, AnonymousUser(), member):
        found = [row[0] for row in seen.rows(reader, pk)]
        assert found == ([] if reader.is_anonymous else [pk])
    both = seen.rows(member, pk, other_member.profile.pk)

    assert sorted(row[0] for row in both) == [pk, other_member.profile.pk]
    assert built == [(False, True, 1), (True, True, 1), (False, False, 1), (False, True, 2)]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (None, "abcd"),
        (slice(2), "ab"),
        (slice(0, 2), "ab"),
        (slice(1, 3), "bc"),
        (slice(3, 9), "d"),
        (slice(4, 6), ""),
    ],
)
def test_a_part_of_the_rows_is_read_as_of_a_list(part, found):
    for name in "bdac":
        make_member(f"{name}@example.org", name=name, visibility="public")
    listed = Prepared(lambda user: Profile.objects.order_by("name").values_list("name"))

    assert "".join(row[0] for row in listed.rows(AnonymousUser(), part=part)) == found


def test_moments_come_as_python_has_them(member):
    [row] = found_in_texts(member, Query.of("lovelace"), "members", ALPHABETICALLY, None)

    assert row.created_at == member.profile.created_at
