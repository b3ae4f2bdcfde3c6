"""E2: changes by others while a new address waits: they take it, or deactivate the account."""

import threading

import pytest
from allauth.account.models import EmailAddress
from django.db import connection, connections
from django.test import Client

from portal.accounts.address_change import confirm_change, keep_address
from profiles.models import User
from tests.accounts.address_steps import NEW, ask, link_to, logs_in, text, waiting
from tests.accounts.test_accounts import log_in
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def by_staff(address):
    make_member(address)


def by_another_member(address):
    other = make_member("grace@example.org")
    visitor = Client()
    log_in(visitor, other.email)
    ask(visitor, address)
    visitor.post(link_to(address))


@pytest.mark.parametrize("take", [by_staff, by_another_member])
def test_an_address_that_somebody_else_has_got_meanwhile_is_refused(client, asked, take):
    """E2: in words; each password opens one account."""
    link = link_to(NEW)
    take(NEW)

    page, refused = client.get(link), client.post(link)

    assert (page.status_code, refused.status_code) == (200, 409)
    for answer in (page, refused):
        assert "belongs to another account" in text(answer)
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"
    assert User.objects.exclude(pk=asked.pk).get().email == NEW
    for email, owner in {"ada@example.org": asked, NEW: User.objects.get(email=NEW)}.items():
        visitor = Client()
        log_in(visitor, email)
        assert visitor.get("/me/").context["user"] == owner


def test_an_address_that_a_member_has_is_not_given_away(client, member, other_member):
    """Nor is it told, to somebody who tries addresses, that a member has it."""
    log_in(client, member.email)

    page = ask(client, other_member.email)

    assert "A link is on its way to grace@example.org." in text(page)
    assert client.post(link_to("grace@example.org")).status_code == 409
    assert logs_in(other_member.email)


def test_a_taken_address_is_refused_even_if_it_is_taken_at_the_last_moment(
    client, asked, monkeypatch
):
    """E2: the database has the last word. No 500, and nothing half done."""
    make_member(NEW)
    monkeypatch.setattr("portal.accounts.address_change.is_taken", lambda pending: False)

    refused = client.post(link_to(NEW))

    assert refused.status_code == 409
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"
    assert waiting(asked) == [NEW]
    assert logs_in("ada@example.org")


@pytest.mark.django_db(transaction=True)
def test_of_two_members_who_confirm_one_address_at_once_one_gets_it():
    """E2, in two transactions at once."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one connection in a test")
    clients, links = [], []
    for email in ("ada@example.org", "grace@example.org"):
        make_member(email)
        clients.append(Client())
        log_in(clients[-1], email)
        ask(clients[-1], NEW)
        links.append(link_to(NEW))
    start, statuses = threading.Barrier(2), []

    def confirm(client, link):
        start.wait()
        statuses.append(client.post(link).status_code)
        connections.close_all()

    threads = [
        threading.Thread(target=confirm, args=pair) for pair in zip(clients, links, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [302, 409]
    assert User.objects.filter(email=NEW).count() == 1
    assert EmailAddress.objects.filter(email=NEW, verified=True).count() == 1


def deactivate(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [keep_address, deactivate])
def test_a_change_that_ends_while_its_link_is_used_stays_ended(client, asked, monkeypatch, end):
    """E2: what the page has read is asked again once the user's row is locked."""

    def end_first(request, pending):
        end(asked)
        return confirm_change(request, pending)

    monkeypatch.setattr("portal.accounts.views.confirm_change", end_first)

    assert client.post(link_to(NEW)).status_code == 404
    assert User.objects.get(pk=asked.pk).email == "ada@example.org"


@pytest.mark.parametrize("staff_type", [None, "other@example.org"])
def test_a_form_that_staff_opened_before_does_not_bring_the_old_address_back(
    client, asked, staff, staff_type
):
    """Unless staff have typed an address: then theirs is the last word."""
    office, address = Client(), f"/admin/profiles/user/{asked.pk}/change/"
    office.force_login(staff)
    form = office.get(address).context["adminform"].form["email"]
    client.post(link_to(NEW))

    data = {
        form.html_name: staff_type or form.value(),
        form.html_initial_name: form.value(),
        "is_active": "on",
        "profile-0-id": asked.profile.pk,
        "profile-0-user": asked.pk,
        "profile-0-visibility": "members",
        "profile-TOTAL_FORMS": 1,
        "profile-INITIAL_FORMS": 1,
    }
    assert form.html_initial_name in office.get(address).content.decode()
    assert office.post(address, data).status_code == 302

    assert User.objects.get(pk=asked.pk).email == (staff_type or NEW)
