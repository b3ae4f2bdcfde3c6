"""Lost second factors: how the staff see and remove them, and what is left to everybody else."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.accounts.test_accounts import is_logged_in, log_in
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

MEMBERS, FACTORS = "/admin/profiles/user/", "/admin/mfa/authenticator/"
KEY = {"name": "Blue key", "credential": {}}


@pytest.fixture
def desk(client, staff):
    client.force_login(staff)
    return client


def add_factors(user, *kinds) -> list:
    return [
        Authenticator.objects.create(user=user, type=kind, data=KEY if kind == "webauthn" else {})
        for kind in kinds
    ]


def words_on(desk, member) -> str:
    return desk.get(f"{MEMBERS}{member.pk}/second-factors/").context["factors"]


def test_factors_are_named_by_kind_the_oldest_first(desk, member):
    assert words_on(desk, member) == "none"
    add_factors(member, "webauthn", "totp", "recovery_codes")
    codes = Authenticator.objects.filter(type="recovery_codes")
    codes.update(created_at=timezone.now() - timedelta(days=1))

    assert words_on(desk, member) == "recovery codes, key “Blue key”, authenticator app"


def test_all_factors_of_one_member_are_removed_and_each_is_in_the_history(desk, member, staff):
    """Another member's stay, and so do the sessions of everybody else."""
    other = make_member("grace@example.org")
    visitors = {user: Client() for user in (member, other)}
    for user, visitor in visitors.items():
        log_in(visitor, user.email)
    add_factors(member, "totp", "webauthn", "recovery_codes")
    kept = add_factors(other, "totp", "recovery_codes")

    page = desk.post(f"{MEMBERS}{member.pk}/second-factors/", follow=True)

    assert list(Authenticator.objects.order_by("pk")) == kept
    assert [is_logged_in(visitor) for visitor in visitors.values()] == [False, True]
    assert [message.to for message in mail.outbox] == [[member.email]]
    assert [(each.level_tag, each.message) for each in page.context["messages"]] == [
        ("success", "The second factors are removed. A password is enough again.")
    ]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (staff, str(member.pk))
    history = desk.get(f"{MEMBERS}{member.pk}/history/").text
    for words in (
        "Removed the second factor: authenticator app.",
        "Removed the second factor: key “Blue key”.",
        "Removed the second factor: recovery codes.",
    ):
        assert words in history


def test_factors_of_several_members_are_removed_and_each_is_told_once(desk, member):
    """Recovery codes go with the last factor, and stay beside another one."""
    other = make_member("grace@example.org")
    bystander = make_member("mary@example.org")
    visitors = {user: Client() for user in (member, other, bystander)}
    for user, visitor in visitors.items():
        log_in(visitor, user.email)
    lost = add_factors(member, "totp", "webauthn") + add_factors(other, "totp")
    add_factors(member, "recovery_codes")
    kept = add_factors(other, "webauthn", "recovery_codes") + add_factors(bystander, "totp")

    chosen = {"action": "delete_selected", "_selected_action": [each.pk for each in lost]}
    desk.post(FACTORS, chosen | {"post": "yes"})

    assert list(Authenticator.objects.order_by("pk")) == kept
    assert sorted(message.to for message in mail.outbox) == [[member.email], [other.email]]
    assert [is_logged_in(visitor) for visitor in visitors.values()] == [False, False, True]


def test_who_removes_an_own_factor_stays_logged_in_here_alone(desk, staff):
    elsewhere = Client()
    log_in(elsewhere, staff.email)
    [factor] = add_factors(staff, "totp")

    desk.post(f"{FACTORS}{factor.pk}/delete/", {"post": "yes"})

    assert not Authenticator.objects.exists()
    assert is_logged_in(desk)
    assert not is_logged_in(elsewhere)


def test_a_removal_that_cannot_be_told_is_none(desk, member, monkeypatch):
    """Factors, history and message are saved together, or not at all."""
    add_factors(member, "totp")
    desk.raise_request_exception = False

    def fail(user):
        raise RuntimeError("ours")

    monkeypatch.setattr("profiles.second_factors_admin.tell_of_removal", fail)

    assert desk.post(f"{MEMBERS}{member.pk}/second-factors/").status_code == 500
    assert desk.post(
        FACTORS,
        {"action": "delete_selected", "_selected_action": [member.authenticator_set.get().pk],
         "post": "yes"},
    ).status_code == 500  # fmt: skip

    assert Authenticator.objects.count() == 1
    assert not LogEntry.objects.filter(
        object_id=str(member.pk), content_type__model="user"
    ).exists()


@pytest.mark.parametrize("address", ["999999", "none", "1%2C2"])
def test_the_factors_of_nobody_are_on_no_page(desk, address):
    answer = desk.get(f"{MEMBERS}{address}/second-factors/", follow=True)

    assert answer.redirect_chain == [("/admin/", 302)]
    assert "Perhaps it was deleted?" in answer.text


def test_the_page_is_asked_for_and_confirmed_in_no_other_way(desk, member):
    address = f"{MEMBERS}{member.pk}/second-factors/"

    assert [desk.generic(method, address).status_code for method in ("GET", "HEAD", "PUT")] == [
        200, 200, 405,
    ]  # fmt: skip
    assert str(member) in desk.get(address).text


def test_the_list_of_factors_is_for_looking_and_removing(desk, member):
    [factor] = add_factors(member, "totp")

    page = desk.get(f"{FACTORS}{factor.pk}/change/")

    fields = [field for line in page.context["adminform"] for each in line for field in each]
    assert [field.field["name"] for field in fields] == [
        "user",
        "type",
        "created_at",
        "last_used_at",
    ]
    assert desk.post(f"{FACTORS}{factor.pk}/change/", {"type": "webauthn"}).status_code == 403
    assert desk.get(f"{FACTORS}add/").status_code == 403
