"""Leaving: invisible at once, nothing but coming back for some days, and the last superuser."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.db import DatabaseError
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from portal.outbox.composers import COMPOSERS
from portal.outbox.models import OutgoingMessage
from profiles.models import Profile, ResumeDownload, User
from profiles.privacy.middleware import LEAVERS_MAY
from tests.conftest import PASSWORD, make_member
from tests.support.addresses import addresses

from .conftest import let_the_date_come

pytestmark = pytest.mark.django_db

REACHED = """
    accounts/2fa/reauthenticate/
    accounts/2fa/webauthn/reauthenticate/
    accounts/logout/
    accounts/reauthenticate/
    favicon.ico
    healthz
    me/data/
    me/data/download/
    me/data/stay/
    media/<path:path>
    protected/<str:token>
    readyz
    society/imprint/
    society/look/<slug:look>.css
    society/privacy/
"""


def is_leaving(user):
    return User.objects.get(pk=user.pk).leaves_at is not None


def test_whoever_leaves_is_seen_by_nobody_but_the_staff(leaver, member, staff, settings):
    """X2."""
    visible = {
        name: Profile.objects.visible_to(viewer).filter(user=leaver).exists()
        for name, viewer in {"visitor": AnonymousUser(), "member": member, "staff": staff}.items()
    }

    assert visible == {"visitor": False, "member": False, "staff": True}
    in_days = leaver.leaves_at - timezone.now()
    assert timedelta(days=settings.LEAVING_DAYS - 1) < in_days
    assert in_days <= timedelta(days=settings.LEAVING_DAYS)


@pytest.mark.parametrize("address", ["/members/", "/members/?q=Somerville", "/"])
def test_lists_searches_and_counts_have_no_leaver(owner, other_member, log_in, address):
    """X2; before, all of them have: the control."""
    reader = log_in(other_member, Client())
    assert "Mary Somerville" in reader.get(address).content.decode()

    log_in(owner).post("/me/data/leave/")

    assert "Mary Somerville" not in reader.get(address).content.decode()


@pytest.mark.parametrize("suffix", ["", "resume/"])
def test_the_profile_and_the_resume_of_a_leaver_are_not_found(owner, member, log_in, suffix):
    """X2."""
    reader, address = log_in(member, Client()), f"/members/{owner.profile.pk}/{suffix}"
    assert reader.get(address).status_code in {200, 302}

    log_in(owner).post("/me/data/leave/")

    assert reader.get(address).status_code == 404


def test_the_record_of_openings_does_not_name_a_leaver(owner, member, log_in):
    """X2: the owner still sees that somebody opened the resume, and when."""
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    reader = log_in(owner, Client())
    assert "Ada Lovelace" in reader.get("/me/resume/opened/").content.decode()

    log_in(member).post("/me/data/leave/")
    page = reader.get("/me/resume/opened/").content.decode()

    assert "Ada Lovelace" not in page
    assert "A former member" in page


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/members/",
        "/me/",
        "/me/edit/",
        "/me/resume/opened/",
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/sessions/",
        "/accounts/confirm-email/forged/",
        "/admin/",
    ],
)
def test_a_leaver_is_led_to_coming_back_from_every_form(client, leaver, address):
    """X2."""
    response = client.post(address)

    assert (response.status_code, response["Location"]) == (302, reverse("privacy:data"))


def test_a_leaver_is_led_there_from_any_address_but_these(client, leaver, examples):
    """X2: no page is added to the list unseen."""
    reached = []
    for route in addresses():
        response = client.get(examples(route))
        list(response)  # to its end, which closes a file
        if response.headers.get("Location") != reverse("privacy:data"):
            reached.append(route)

    assert sorted(reached) == REACHED.split()


def test_what_a_leaver_may_do_is_there():
    """Guards the list: after a page is renamed, its old name would have no effect."""
    names = set()
    for namespace, resolver in {None: get_resolver(), **namespaces()}.items():
        prefix = f"{namespace}:" if namespace else ""
        names |= {prefix + name for name in resolver.reverse_dict if isinstance(name, str)}

    assert names >= LEAVERS_MAY


def namespaces():
    return {name: pair[1] for name, pair in get_resolver().namespace_dict.items()}


def test_nobody_is_told_of_a_member_who_has_come_back_meanwhile(staff, owner, log_in, settings):
    settings.OUTBOX_BACKEND = None
    client = log_in(owner)
    client.post("/me/data/leave/")
    client.post("/me/data/stay/")

    waiting = list(OutgoingMessage.objects.all())

    assert {message.kind for message in waiting} == {"leaving", "member_leaving"}
    assert [COMPOSERS[message.kind](message) for message in waiting] == [None, None]
    assert "Somerville" not in "".join(f"{vars(message)}" for message in waiting)


def test_an_upload_of_a_leaver_stores_nothing(client, leaver, settings):
    """X2."""
    before = sorted(settings.MEDIA_ROOT.rglob("*"))

    response = client.post("/me/uploads/avatar/", {"file": b"x"})

    assert response.status_code == 302
    assert sorted(settings.MEDIA_ROOT.rglob("*")) == before


def test_another_session_of_a_leaver_can_do_no_more(owner, log_in):
    """X2."""
    elsewhere = log_in(owner, Client())
    assert elsewhere.get("/me/").status_code == 200

    log_in(owner).post("/me/data/leave/")

    assert elsewhere.get("/me/")["Location"] == reverse("privacy:data")


def test_a_leaving_superuser_has_no_admin(client, staff, owner, log_in):
    """X2."""
    make_member("chief@example.org", is_staff=True, is_superuser=True)
    log_in(staff)
    assert client.get("/admin/").status_code == 200

    client.post("/me/data/leave/")

    assert client.get("/admin/profiles/user/")["Location"] == reverse("privacy:data")


def test_a_leaver_logs_in_again_and_comes_back(client, leaver, log_in):
    """X2, moment 16."""
    client.post("/accounts/logout/")
    log_in(leaver)
    another = make_member("another@example.org", leaves_at=leaver.leaves_at)
    page = client.get("/", follow=True).content.decode()
    assert "You can come back until" in page

    response = client.post("/me/data/stay/", follow=True)

    assert "Welcome back" in response.content.decode()
    assert not is_leaving(leaver)
    assert is_leaving(another)
    assert client.get("/me/").status_code == 200


def test_a_leaver_who_forgot_the_password_sets_a_new_one(client, leaver):
    """X2: how else would they come back?"""
    client.post("/accounts/logout/")
    mail.outbox.clear()
    client.post("/accounts/password/reset/", {"email": leaver.email})
    [link] = re.findall(r"https?://[^/]+(/\S+)", mail.outbox[0].body)
    form = client.get(link, follow=True)

    new = "another long passphrase"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    client.post("/accounts/login/", {"login": leaver.email, "password": new})

    assert client.get("/me/")["Location"] == reverse("privacy:data")


def test_nobody_comes_back_after_the_date(client, leaver):
    """X2."""
    let_the_date_come(leaver)

    client.post("/me/data/stay/")

    assert is_leaving(leaver)
    assert "about to be deleted" in client.get("/me/data/").content.decode()


def test_leaving_asks_for_the_password_unless_it_was_typed_lately(client, owner):
    """X2: a session that was left open at a library is not enough."""
    client.force_login(owner)

    response = client.post("/me/data/leave/")

    assert response["Location"].startswith("/accounts/reauthenticate/")
    assert not is_leaving(owner)
    client.post(response["Location"], {"password": PASSWORD})
    assert is_leaving(owner)


def test_leaving_twice_keeps_the_date(client, leaver):
    client.post("/me/data/leave/")

    assert User.objects.get(pk=leaver.pk).leaves_at == leaver.leaves_at


def test_staff_and_the_member_are_told(staff, owner, log_in):
    log_in(owner).post("/me/data/leave/")

    to = {message.to[0]: message for message in mail.outbox}
    assert to.keys() == {staff.email, owner.email}
    assert "Mary Somerville" in to[staff.email].body
    assert f"/admin/profiles/user/{owner.pk}/change/" in to[staff.email].body
    assert "Mary" not in to[staff.email].subject
    assert "/me/data/" in to[owner.email].body


def test_the_last_superuser_cannot_leave(client, staff, member, log_in):
    """X2; a member is none, and with another superuser it works: the control."""
    log_in(staff)
    client.post("/me/data/leave/")
    assert not is_leaving(staff)
    assert "You are the only superuser" in client.get("/me/data/").content.decode()

    make_member("chief@example.org", is_staff=True, is_superuser=True)
    client.post("/me/data/leave/")

    assert is_leaving(staff)


def test_only_a_superuser_who_can_open_the_admin_and_stays_counts(staff, log_in):
    make_member("helper@example.org", is_staff=True)
    make_member("shut.out@example.org", is_superuser=True)
    make_member("left@example.org", is_staff=True, is_superuser=True, is_active=False)
    soon = timezone.now() + timedelta(days=2)
    make_member("leaving@example.org", is_staff=True, is_superuser=True, leaves_at=soon)

    log_in(staff).post("/me/data/leave/")

    assert not is_leaving(staff)


def test_staff_do_it_for_somebody_who_asks_by_letter(client, staff, owner):
    client.force_login(staff)
    address = reverse("admin:profiles_user_leaving", args=[owner.pk])

    client.post(address, {"leave": ""})
    assert is_leaving(owner)
    assert "Let the member stay" in client.get(address).content.decode()
    client.post(address, {"stay": ""})

    assert not is_leaving(owner)
    log = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(log) == ["Started the member's leaving.", "Undid the member's leaving."]


def test_who_is_leaving_already_keeps_the_date_and_is_told_once(client, staff, owner):
    client.force_login(staff)
    address = reverse("admin:profiles_user_leaving", args=[owner.pk])

    client.post(address, {"leave": ""})
    date = timezone.now() + timedelta(hours=1)
    User.objects.filter(pk=owner.pk).update(leaves_at=date)

    client.post(address, {"leave": ""})  # in another tab

    assert User.objects.get(pk=owner.pk).leaves_at == date
    assert [message.to for message in mail.outbox].count([owner.email]) == 1


def test_the_admin_keeps_the_only_superuser_and_says_why(client, staff):
    client.force_login(staff)
    address = reverse("admin:profiles_user_leaving", args=[staff.pk])

    page = client.post(address, {"leave": ""}, follow=True).content.decode()

    assert "This is the only superuser: nobody could manage the site." in page
    assert not is_leaving(staff)
    assert not LogEntry.objects.exists()


def test_the_admin_records_that_data_was_downloaded(client, staff, owner):
    client.force_login(staff)

    address = reverse("admin:profiles_user_leaving", args=[owner.pk])
    archive = client.post(address, {"download": ""})
    list(archive)  # to its end, which closes the file

    assert LogEntry.objects.get().change_message == "Downloaded the member's data."


@pytest.mark.parametrize("button", ["leave", "stay", "download"])
def test_staff_without_the_right_do_nothing(client, owner, button):
    client.force_login(make_member("clerk@example.org", is_staff=True))
    address = reverse("admin:profiles_user_leaving", args=[owner.pk])

    assert client.post(address, {button: ""}).status_code == 403
    assert not is_leaving(owner)


def test_staff_find_who_is_leaving(client, staff, leaver, member):
    client.force_login(staff)

    page = client.get("/admin/profiles/user/?leaves_at__isempty=0").content.decode()

    assert leaver.email in page
    assert member.email not in page


def test_a_form_of_the_admin_does_not_bring_back_a_deleted_member(client, staff, member):
    """The form was open while the member was deleted."""
    opened = User.objects.get(pk=member.pk)
    member.delete()

    with pytest.raises(DatabaseError, match="did not affect any rows"):
        opened.save()

    assert not User.objects.filter(email=opened.email).exists()
