"""The rights of staff who may change members, and those of superusers alone.

A clerk is staff with every permission that can be given, short of being a superuser.
"""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client

from portal.outbox.models import OutgoingMessage
from profiles.admin import MemberAdmin
from profiles.models import Profile, User
from tests.accounts.test_accounts import is_logged_in, log_in
from tests.conftest import PASSWORD, make_member

from .test_admin import LIST, change

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SECRET = "JBSWY3DPEHPK3PXP"
FACTORS = "/admin/mfa/authenticator/"


@pytest.fixture
def clerk(client):
    clerk = make_member("clerk@example.org", name="Clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.all())
    client.force_login(clerk)
    return clerk


@pytest.fixture(
    params=["colleague", "superuser", "superuser who is no staff", "former colleague", "the clerk"]
)
def protected(request, clerk):
    """Somebody whose account a clerk may not change."""
    fields = {
        "colleague": {"is_staff": True},
        "superuser": {"is_staff": True, "is_superuser": True},
        "superuser who is no staff": {"is_superuser": True},
        "former colleague": {"is_staff": True, "is_active": False},
    }
    if request.param == "the clerk":
        return clerk
    return make_member("grace@example.org", name="Grace", **fields[request.param])


def account(user) -> dict:
    """The whole row, the profile's and the rights."""
    return {
        "row": User.objects.filter(pk=user.pk).values().first(),
        "profile": Profile.objects.filter(user=user.pk).values().first(),
        "permissions": sorted(user.user_permissions.values_list("pk", flat=True)),
        "groups": sorted(user.groups.values_list("pk", flat=True)),
        "factors": sorted(Authenticator.objects.filter(user=user.pk).values_list("pk", flat=True)),
        "addresses": sorted(EmailAddress.objects.filter(user=user.pk).values_list("email")),
    }


def add_factor(user, secret=SECRET):
    return Authenticator.objects.create(user=user, type="totp", data={"secret": secret})


RIGHTS = {"is_staff": "on", "is_superuser": "on", "user_permissions": [1, 2], "groups": [1]}


@pytest.mark.parametrize(
    "posted",
    [
        {"email": "mine@example.org"},
        {"is_active": ""},
        {"profile-0-name": "Renamed"},
        {"password": "mine now, thank you", "password1": "mine now, thank you"},
        RIGHTS,
        {"user_permissions": []},
    ],
    ids=["address", "active", "name", "password", "rights", "permissions"],
)
def test_a_clerk_changes_nothing_of_other_staff(client, protected, posted):
    """A12."""
    before = account(protected)

    response = client.post(f"{LIST}{protected.pk}/change/", change(protected) | posted)

    assert response.status_code == 403
    assert account(protected) == before


@pytest.mark.parametrize(
    ("address", "posted"),
    [
        (
            "{list}{pk}/password/",
            {"password1": "mine now, thanks", "password2": "mine now, thanks"},
        ),
        ("{list}{pk}/password/", {"usable_password": "false", "unset-password": "1"}),
        ("{list}{pk}/delete/", {"post": "yes"}),
        ("{list}{pk}/second-factors/", {}),
        ("{factors}{factor}/delete/", {"post": "yes"}),
        ("{factors}{factor}/change/", {"data": "{}"}),
    ],
)
def test_a_clerk_reaches_other_staff_by_no_address(client, protected, address, posted):
    """A12."""
    factor = add_factor(protected)
    before = account(protected)

    names = {"list": LIST, "factors": FACTORS, "pk": protected.pk, "factor": factor.pk}
    response = client.post(address.format(**names), posted)

    assert response.status_code == 403
    assert account(protected) == before


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_clerk_deletes_no_staff_among_others(client, protected, member, is_confirmed):
    """A12: the action on the list. Nobody of the selection is deleted."""
    chosen = {"action": "delete_selected", "_selected_action": [member.pk, protected.pk]}
    if is_confirmed:
        chosen["post"] = "yes"

    response = client.post(LIST, chosen)

    if protected.pk == int(client.session["_auth_user_id"]):
        assert response.status_code == 302  # back to the list, with a sentence: test_admin.py
    else:
        assert response.status_code == (403 if is_confirmed else 200)
        assert is_confirmed or response.context["perms_lacking"] == {"member"}
    assert User.objects.filter(pk__in=[member.pk, protected.pk]).count() == 2


def test_staff_who_may_only_look_are_offered_no_action(client, clerk, member):
    """Each of them changes or deletes members. The control: a clerk is offered all."""
    assert 'name="action"' in client.get(LIST).text
    clerk.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))

    assert 'name="action"' not in client.get(LIST).text
    client.post(LIST, {"action": "invite_again", "_selected_action": [member.pk]})
    assert mail.outbox == []


def test_a_clerk_deletes_no_factor_of_staff_among_others(client, protected, member):
    """A12: the action on the list of second factors."""
    factors = [add_factor(user).pk for user in (member, protected)]
    chosen = {"action": "delete_selected", "_selected_action": factors, "post": "yes"}

    assert client.post(FACTORS, chosen).status_code == 403
    assert Authenticator.objects.filter(pk__in=factors).count() == 2


def test_a_clerk_has_no_link_sent_to_staff(client, protected, member):
    chosen = {"action": "invite_again", "_selected_action": [protected.pk, member.pk]}

    page = client.post(LIST, chosen, follow=True).content.decode()

    assert [message.to for message in mail.outbox] == [[member.email]]
    assert "Left out, as not active or not yours to change: 1" in page


def test_a_clerk_changes_no_other_profile_through_a_members_form(client, clerk, member, staff):
    """A12: the profile's number is posted, too."""
    posted = {"profile-0-id": staff.profile.pk, "profile-0-user": staff.pk, "profile-0-name": "X"}

    client.post(f"{LIST}{member.pk}/change/", change(member) | posted)

    assert Profile.objects.get(user=staff).name == "Staff"
    assert Profile.objects.get(user=member).user_id == member.pk


@pytest.mark.parametrize("address", ["{pk}/change/", "add/"])
def test_a_clerk_makes_no_staff(client, clerk, member, address):
    """A12: the rights are posted for somebody who has none yet."""
    Group.objects.create(pk=1, name="Editors")
    posted = change(member) | RIGHTS | {"name": "Newcomer"}
    if address == "add/":
        posted["email"] = "new@example.org"

    response = client.post(LIST + address.format(pk=member.pk), posted)

    assert response.status_code == 302
    user = User.objects.get(email=posted["email"])
    assert not user.is_staff
    assert not user.is_superuser
    assert not user.user_permissions.exists()
    assert not user.groups.exists()


def test_a_superuser_makes_staff(client, staff, member):
    """The control."""
    client.force_login(staff)

    client.post(f"{LIST}{member.pk}/change/", change(member) | {"is_staff": "on"})

    assert User.objects.get(pk=member.pk).is_staff


def test_a_superuser_changes_a_colleague(client, staff):
    """The control."""
    clerk = make_member("clerk@example.org", is_staff=True)
    client.force_login(staff)
    posted = change(clerk, name="Renamed") | {"email": "new@example.org", "is_staff": "on"}

    assert client.post(f"{LIST}{clerk.pk}/change/", posted).status_code == 302
    new = {"password1": "the society's own", "password2": "the society's own"}
    assert client.post(f"{LIST}{clerk.pk}/password/", new).status_code == 302

    clerk = User.objects.get(pk=clerk.pk)
    assert (clerk.email, clerk.profile.name) == ("new@example.org", "Renamed")
    assert clerk.check_password("the society's own")


def test_a_clerk_changes_an_ordinary_member(client, clerk, member):
    """The control: name, address, and whether the account is active."""
    posted = change(member, name="Ada King", visibility="hidden") | {"email": "king@example.org"}
    del posted["is_active"]

    assert client.post(f"{LIST}{member.pk}/change/", posted).status_code == 302

    changed = User.objects.get(pk=member.pk)
    assert (changed.email, changed.is_active) == ("king@example.org", False)
    assert (changed.profile.name, changed.profile.visibility) == ("Ada King", "hidden")


def test_a_clerk_deletes_an_ordinary_member_second_factor_and_all(client, clerk, member):
    """The control. The right to delete members is enough."""
    add_factor(member)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="profiles"))

    client.post(f"{LIST}{member.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(pk=member.pk).exists()


def test_a_password_is_set_by_superusers_alone(client, clerk, member):
    """A clerk has the member sent a link, and sees no form for it."""
    new = {"password1": "the society's own", "password2": "the society's own"}

    assert client.get(f"{LIST}{member.pk}/password/").status_code == 403
    assert client.post(f"{LIST}{member.pk}/password/", new).status_code == 403

    assert User.objects.get(pk=member.pk).check_password(PASSWORD)
    page = client.get(f"{LIST}{member.pk}/change/").content.decode()
    assert "password" not in page.partition("user_form")[2]


def test_a_clerk_sees_staff_but_gets_no_form(client, clerk, staff):
    page = client.get(f"{LIST}{staff.pk}/change/")

    assert page.status_code == 200
    assert 'name="email"' not in page.content.decode()
    assert "second-factors" not in page.content.decode()


def test_the_secret_of_a_second_factor_is_on_no_page(client, staff, member):
    """A12: not even for superusers."""
    factor = add_factor(member)
    client.force_login(staff)

    for address in [
        FACTORS,
        *(f"{FACTORS}{factor.pk}/{page}/" for page in ("change", "delete", "history")),
        *(f"{LIST}{member.pk}/{page}/" for page in ("change", "delete", "second-factors")),
    ]:
        page = client.get(address)
        assert page.status_code == 200, address
        assert SECRET not in page.content.decode(), address
        assert re.search("TOTP|authenticator", page.content.decode()), address


@pytest.mark.parametrize(
    "query",
    [
        f"{FACTORS}?data__secret__startswith=JB",
        f"{FACTORS}?data__contains=JB",
        f"{FACTORS}?data__secret=JBSWY3DPEHPK3PXP",
        f"{FACTORS}?user__password__startswith=md5",
        f"{LIST}?authenticator__data__secret__startswith=JB",
        f"{LIST}?password__startswith=md5",
        "/admin/profiles/resumedownload/?member__password__startswith=md5",
    ],
)
def test_a_secret_cannot_be_spelt_out_by_the_address_of_a_list(client, staff, member, query):
    add_factor(member)
    client.force_login(staff)
    assert client.get(f"{FACTORS}?type__exact=totp").status_code == 200

    assert client.get(query).status_code == 400


def test_staff_remove_the_second_factors_that_a_member_has_lost(client, clerk, member):
    """The link is on the member's own page; all of the factors go, and it is in the log."""
    add_factor(member)
    Authenticator.objects.create(user=member, type="recovery_codes", data={"seed": SECRET})
    other = make_member("grace@example.org")
    add_factor(other)
    address = f"{LIST}{member.pk}/second-factors/"
    assert address in client.get(f"{LIST}{member.pk}/change/").content.decode()
    assert Authenticator.objects.count() == 3, "looking at it changes nothing"

    client.get(address)
    assert Authenticator.objects.count() == 3, "nor does the question"
    done = client.post(address, follow=True)

    assert done.redirect_chain == [(f"{LIST}{member.pk}/change/", 302)]
    assert [factor.user for factor in Authenticator.objects.all()] == [other]
    entry = LogEntry.objects.get(object_id=str(member.pk))
    assert entry.user == clerk
    history = client.get(f"{LIST}{member.pk}/history/").content.decode()
    assert "Removed the second factor: authenticator app." in history
    assert "Removed the second factor: recovery codes." in history
    [message] = mail.outbox
    assert message.to == [member.email]
    assert "second factor" in message.body
    visitor = Client()
    log_in(visitor, member.email)
    assert is_logged_in(visitor)


def test_removing_second_factors_ends_the_members_sessions(client, clerk, member):
    """A lost phone may be logged in."""
    phone = Client()
    log_in(phone, member.email)
    add_factor(member)
    assert is_logged_in(phone)

    client.post(f"{LIST}{member.pk}/second-factors/")

    assert not is_logged_in(phone)
    assert client.get(LIST).status_code == 200


def test_a_second_factor_is_removed_where_no_e_mail_can_be_sent(client, clerk, member, settings):
    add_factor(member)
    settings.OUTBOX_BACKEND = None

    client.post(f"{LIST}{member.pk}/second-factors/")

    assert not Authenticator.objects.exists()
    assert OutgoingMessage.objects.get().to == member.email


def test_one_of_several_second_factors_is_removed_from_the_list_of_them(client, clerk, member):
    """A12's control. What is left of the factors still asks."""
    phone = Client()
    log_in(phone, member.email)
    lost = add_factor(member)
    kept = Authenticator.objects.create(
        user=member, type="webauthn", data={"name": "Key", "credential": {}}
    )

    client.post(f"{FACTORS}{lost.pk}/delete/", {"post": "yes"})

    assert list(Authenticator.objects.all()) == [kept]
    assert [message.to for message in mail.outbox] == [[member.email]]
    assert not is_logged_in(phone)


def test_recovery_codes_go_with_the_last_second_factor(client, clerk, member):
    lost = add_factor(member)
    Authenticator.objects.create(user=member, type="recovery_codes", data={})

    chosen = {"action": "delete_selected", "_selected_action": [lost.pk], "post": "yes"}
    client.post(FACTORS, chosen)

    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("how", ["on the form", "in the list"])
@pytest.mark.parametrize("does", ["deletes", "demotes", "nothing"])
def test_of_two_superusers_who_delete_each_other_one_stays(client, staff, monkeypatch, how, does):
    """The control: nothing is done to the one who deletes the other."""
    other = make_member("other@example.org", is_staff=True, is_superuser=True)
    noted = MemberAdmin.log_deletions

    def meanwhile(self, request, queryset):
        noted(self, request, queryset)
        if does == "deletes":
            User.objects.filter(pk=staff.pk).delete()
        if does == "demotes":
            User.objects.filter(pk=staff.pk).update(is_superuser=False)

    monkeypatch.setattr(MemberAdmin, "log_deletions", meanwhile)
    client.force_login(staff)

    if how == "on the form":
        page = client.post(f"/admin/profiles/user/{other.pk}/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
        page = client.post("/admin/profiles/user/", chosen)

    assert page.status_code == (302 if does == "nothing" else 403)
    assert User.objects.filter(pk=other.pk).exists() is (does != "nothing")
