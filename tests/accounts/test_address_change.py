"""E1, E2: a member asks for another address; its link works for the member and nobody else."""

import time
from urllib.parse import unquote

import pytest
from django.core import mail
from django.test import Client

from profiles.models import User
from tests.accounts.address_steps import (
    NEW,
    PAGE,
    ask,
    link_to,
    logs_in,
    press,
    text,
    waiting,
    written_to,
)
from tests.accounts.test_accounts import is_logged_in, log_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

DAY = 24 * 60 * 60  # seconds


def is_sent_a_reset(email) -> bool:
    before = len(mail.outbox)
    Client().post("/accounts/password/reset/", {"email": email})
    return len(mail.outbox) > before


def test_nothing_changes_until_the_new_address_is_confirmed(client, asked):
    """E1: the old one logs in and gets resets; the new one does neither."""
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"
    assert logs_in("ada@example.org")
    assert is_sent_a_reset("ada@example.org")
    assert not logs_in(NEW)
    assert not is_sent_a_reset(NEW)

    client.post(link_to(NEW))

    assert User.objects.get(pk=asked.pk).email == NEW
    assert logs_in(NEW)
    assert is_sent_a_reset(NEW)
    assert not logs_in("ada@example.org")
    assert not is_sent_a_reset("ada@example.org")


def test_the_old_address_is_told_at_once_and_again_when_it_changes(client, asked):
    """E1."""
    [told] = [message for message in mail.outbox if message.to == ["ada@example.org"]]
    assert NEW in told.body
    assert "Nothing changes until" in told.body
    assert "Keep the old address" in told.body

    client.post(link_to(NEW))

    assert len(written_to("ada@example.org")) == 2
    assert f"You log in with {NEW} from now on." in mail.outbox[-1].body


def test_the_change_needs_the_password_again(client, member):
    client.force_login(member)  # without a password in this session, as after some minutes

    answer = client.post(PAGE, {"email": NEW, "action_add": ""})

    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert waiting(member) == mail.outbox == []
    client.post(answer["Location"], {"password": "not the password"})
    assert waiting(member) == mail.outbox == []
    client.post(answer["Location"], {"password": PASSWORD})
    assert waiting(member) == [NEW], "what was typed before the password is not lost"


@pytest.mark.parametrize(("minutes", "is_asked"), [(0, False), (6, True)])
def test_a_log_in_counts_as_the_password_for_five_minutes(client, member, minutes, is_asked):
    """Neither asks somebody who has just logged in; both ask after a while."""
    log_in(client, member.email)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 60 * minutes
    session.save()

    answers = [
        client.post(PAGE, {"email": NEW, "action_add": ""}),
        client.get("/accounts/2fa/webauthn/add/"),
    ]

    asked = ["reauthenticate" in answer.headers.get("Location", "") for answer in answers]
    assert asked == [is_asked, is_asked]


def test_the_page_shows_what_waits_and_takes_it_back_without_the_password(client, asked):
    page = text(client.get(PAGE))
    assert "ada@example.org" in page
    assert NEW in page
    assert "Keep the old address" in page

    press(client, "action_remove")

    assert waiting(asked) == []
    assert asked.emailaddress_set.get().email == "ada@example.org"
    page = text(client.get(PAGE))
    assert "You keep ada@example.org." in page
    assert NEW not in page


def test_nothing_is_said_to_be_kept_where_nothing_waited(client, asked):
    """The button on a page that was open in another tab."""
    press(client, "action_remove")
    client.get(PAGE)

    press(client, "action_remove")

    assert "You keep" not in text(client.get(PAGE))


def test_the_link_can_be_sent_again_but_not_without_end(client, asked):
    for _ in range(5):
        press(client, "action_send")

    assert len(written_to(NEW)) == 3
    assert "several times just now" in text(client.get(PAGE))
    assert len(written_to("ada@example.org")) == 1
    assert client.post(link_to(NEW)).status_code == 302


def test_asking_for_the_same_again_keeps_the_first_link(client, asked):
    first = link_to(NEW)

    ask(client, NEW)

    assert waiting(asked) == [NEW]
    assert client.get(first).context["state"] == "confirm"


def test_asking_for_another_ends_the_first_link(client, asked):
    """A mistyped address: whoever received that link can do nothing with it."""
    first = link_to(NEW)

    ask(client, "newer@example.org")

    assert waiting(asked) == ["newer@example.org"]
    assert client.post(first).status_code == 404
    assert client.post(link_to("newer@example.org")).status_code == 302


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Ada@Example.org", "your address already"),
        ("no address", "no spaces"),
        ("", "required"),
    ],
)
def test_what_cannot_be_asked_for_is_explained(client, member, typed, words):
    log_in(client, member.email)

    page = client.post(PAGE, {"email": typed, "action_add": ""})

    assert page.status_code == 200
    assert words in text(page)
    assert waiting(member) == []


def test_a_link_is_not_followed_by_looking_at_it(client, asked):
    """Programs that scan mail open links; so do browsers that fetch ahead."""
    link = link_to(NEW)

    page = client.get(link)
    client.head(link)

    assert "Use the new address" in text(page)
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"


def test_another_person_with_the_link_of_a_mistyped_address_gets_nothing(client, asked):
    """The link asks for the member's log-in, and comes back after it."""
    visitor, link = Client(), link_to(NEW)

    page = visitor.get(link)
    refused = visitor.post(link)

    assert page.status_code == 200
    assert "Log in to confirm" in text(page)
    assert "ada@example.org" not in text(page)
    assert unquote(refused["Location"]) == f"/accounts/login/?next={link}"
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"
    back = log_in(visitor, "ada@example.org", next=link)
    assert back["Location"] == link
    visitor.post(link)
    assert User.objects.get(pk=asked.pk).email == NEW


def test_another_member_is_told_and_stays_logged_in(client, asked, other_member):
    visitor, link = Client(), link_to(NEW)
    log_in(visitor, other_member.email)

    page = visitor.get(link)
    refused = visitor.post(link)

    assert page.status_code == 200
    assert refused.status_code == 403
    assert "another account" in text(page)
    assert "ada@example.org" not in text(page)
    assert is_logged_in(visitor)
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"
    assert User.objects.get(pk=other_member.pk).email == "grace@example.org"
    logged_out = visitor.post("/accounts/logout/", {"next": link})
    assert logged_out["Location"] == link


def use(client, member, monkeypatch):
    client.post(link_to(NEW))


def let_expire(client, member, monkeypatch):
    later = time.time() + 3 * DAY + 1
    monkeypatch.setattr("time.time", lambda: later)
    log_in(client, member.email)


def cancel(client, member, monkeypatch):
    press(client, "action_remove")


def let_staff_change_it(client, member, monkeypatch):
    member.email = "other@example.org"
    member.save()


@pytest.mark.parametrize("end", [use, let_expire, cancel, let_staff_change_it])
def test_a_link_that_has_ended_says_so_in_plain_words(client, asked, monkeypatch, end):
    link = link_to(NEW)
    assert client.get(link).context["state"] == "confirm"

    end(client, asked, monkeypatch)
    present = User.objects.get(pk=asked.pk).email
    asked_by = {"the member": client, "a visitor": Client()}

    for who, visitor in asked_by.items():
        page, refused = visitor.get(link), visitor.post(link)
        assert (page.status_code, refused.status_code) == (200, 404), who
        assert "does not work any more" in text(page)
        assert "does not work any more" in text(refused)
    assert User.objects.get(pk=asked.pk).email == present


def test_a_link_of_a_deactivated_account_does_nothing_until_it_is_active_again(client, asked):
    link = link_to(NEW)
    User.objects.filter(pk=asked.pk).update(is_active=False)

    for visitor in (client, Client()):
        assert "does not work any more" in text(visitor.get(link))
        assert visitor.post(link).status_code == 404

    User.objects.filter(pk=asked.pk).update(is_active=True)
    client.post(link)
    assert User.objects.get(pk=asked.pk).email == NEW


@pytest.mark.parametrize("key", ["forged", "1:1abc:forged", "-:-", "é"])
def test_a_forged_link_is_answered(client, member, key):
    log_in(client, member.email)

    assert client.get(f"/accounts/confirm-email/{key}/").status_code == 200
    assert client.post(f"/accounts/confirm-email/{key}/").status_code == 404


def test_a_link_to_set_a_password_outlives_a_question_but_not_a_change(client, member):
    """Nothing has changed for it, either, until the new address is confirmed."""
    log_in(client, member.email)
    Client().post("/accounts/password/reset/", {"email": member.email})
    link = link_to(member.email)

    ask(client, NEW)
    assert Client().get(link).status_code == 302

    client.post(link_to(NEW))
    assert Client().get(link).status_code == 200


@pytest.mark.parametrize("address", ["/accounts/confirm-email/", PAGE])
def test_the_pages_speak_the_sites_language(client, asked, address):
    page = text(client.get(address))

    assert "e-mail" in page.lower()
    assert "Verify" not in page
    assert "primary" not in page
