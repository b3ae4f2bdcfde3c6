"""The rights of every kind of person, at every address, with every method.

access.txt is the committed matrix: a route, a role, and what that role is answered to GET, HEAD,
POST and DELETE. A new address fails the test until its rows, which it prints, are there.
"""

from pathlib import Path

import django
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from profiles.models import Profile, User
from tests.conftest import make_member
from tests.support import samples
from tests.support.addresses import addresses
from tests.support.guarded import lacking

from .test_admin import change

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

MATRIX = Path(__file__).with_name("access.txt")
# Django 6.1 looks for the row before it asks for the right to change it.
FROM_61 = {
    "/admin/invitations/invitation/<path:object_id>/change/  superuser  302 302 403 302": (
        "/admin/invitations/invitation/<path:object_id>/change/  superuser  302 302 302 302"
    )
}
METHODS = ["GET", "HEAD", "POST", "DELETE"]
ROLES = ["anonymous", "inactive", "member", "owner", "staff", "superuser"]


def test_every_address_answers_as_the_matrix_says(people, examples):
    """Z1; H1: and each answer has all the headers that guard it."""
    expected = MATRIX.read_text().splitlines()
    if django.VERSION >= (6, 1):
        expected = [FROM_61.get(row, row) for row in expected]

    actual = []
    for role in ROLES:
        client = Client(raise_request_exception=False)
        if people[role]:
            client.force_login(people[role])
        for route in addresses():
            answers = [answer(client, method, examples(route)) for method in METHODS]
            actual.append(f"/{route}  {role}  {' '.join(answers)}")

    assert [row for row in actual if row not in expected] == [], "not in tests/profiles/access.txt"
    assert [row for row in expected if row not in actual] == [], (
        "in tests/profiles/access.txt, but not so"
    )


def answer(client, method, address) -> str:
    """The status, in a world that forgets the request afterwards."""
    cache.clear()  # the throttle counts whatever comes before
    cookies = client.cookies.output()
    with transaction.atomic():
        response = client.generic(method, address)
        list(response)  # to its end, which closes a file
        transaction.set_rollback(True)
    client.cookies.clear()
    client.cookies.load(cookies.replace("Set-Cookie: ", ""))
    assert lacking(response) == {}, f"{method} {address}"
    if response.status_code == 302:
        where = response["Location"].partition("?")[0]
        return "log-in" if where == "/accounts/login/" else "302"
    return str(response.status_code)


@pytest.mark.parametrize("pk", [0, -1, "%00", "1%00", 2**31, 2**63, 10**30])
@pytest.mark.parametrize("suffix", ["", "resume/"])
def test_a_number_that_is_nobodys_is_not_found(client, member, pk, suffix):
    """Z4."""
    client.force_login(member)

    assert client.get(f"/members/{pk}/{suffix}").status_code == 404


@given(pk=st.text(st.characters(exclude_characters="/?#", exclude_categories=["Cs"]), min_size=1))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_anything_else_for_a_number_is_not_found(client, member, pk):
    """Z4: never an error."""
    client.force_login(member)

    assert client.generic("GET", f"/members/x{pk}/resume/").status_code in {400, 404}


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=99999999999999999999", "q=%00"]
)
def test_a_strange_query_is_answered(client, member, query):
    """Z4."""
    client.force_login(member)

    assert client.get(f"/members/?{query}").status_code == 200


@pytest.mark.parametrize(
    ("visibility", "is_active", "seen_by"),
    [
        ("public", True, {"anonymous", "member", "owner", "staff"}),
        ("members", True, {"member", "owner", "staff"}),
        ("hidden", True, {"owner", "staff"}),
        ("public", False, {"staff"}),
        ("members", False, {"staff"}),
        ("hidden", False, {"staff"}),
    ],
)
def test_a_profile_is_seen_by_whom_its_visibility_says(
    client, member, owner, staff, visibility, is_active, seen_by
):
    """Z5, and the access rule as a table."""
    owner.is_active = is_active
    owner.save()
    owner.profile.visibility = visibility
    owner.profile.save()
    viewers = {"anonymous": AnonymousUser(), "member": member, "owner": owner, "staff": staff}

    seen = {
        name
        for name, viewer in viewers.items()
        if Profile.objects.visible_to(viewer).filter(pk=owner.profile.pk).exists()
        and (is_active or name != "owner")  # an inactive owner is anonymous to every view
    }

    assert seen == seen_by
    client.force_login(member)
    for address in [owner.profile.get_absolute_url(), f"/members/{owner.profile.pk}/resume/"]:
        assert client.get(address).status_code in ({200, 302} if "member" in seen_by else {404})


def test_anonymous_visitors_see_name_headline_and_avatar_alone(client, owner, member):
    owner.profile.visibility = "public"
    owner.profile.headline = "The headline"
    owner.profile.bio = "The biography"
    owner.profile.save()

    page = client.get(owner.profile.get_absolute_url()).content.decode()
    client.force_login(member)
    page_of_a_member = client.get(owner.profile.get_absolute_url()).content.decode()

    for text in ["Mary Somerville", "The headline", owner.profile.avatar.url]:
        assert text in page
    for text in ["The biography", f"/members/{owner.profile.pk}/resume/", owner.email]:
        assert text not in page
    assert "The biography" in page_of_a_member
    assert f"/members/{owner.profile.pk}/resume/" in page_of_a_member


def test_a_member_changes_what_is_on_the_form_and_nothing_else(client, member, owner):
    """Z7: neither rights, nor keys of files, nor somebody else's profile."""
    client.force_login(member)

    response = client.post(
        "/me/edit/",
        {
            "name": "Ada L.",
            "visibility": "public",
            "is_staff": "on",
            "is_superuser": "on",
            "user": owner.pk,
            "pk": owner.profile.pk,
            "purpose": "avatar",
            "kind": "skill",
            "role": "member",
            "id": owner.profile.pk,
            "avatar": owner.profile.avatar.name,
            "resume": owner.profile.resume.name,
        },
    )

    assert response.status_code == 302
    changed = User.objects.get(pk=member.pk)
    assert changed.profile.name == "Ada L."
    assert not changed.is_staff
    assert not changed.is_superuser
    assert not changed.profile.avatar
    assert not changed.profile.resume
    assert Profile.objects.get(pk=owner.profile.pk).name == "Mary Somerville"


def test_staff_without_permission_cannot_upload(client, owner, settings):
    """Z6."""
    clerk = make_member("clerk@example.org", is_staff=True)
    client.force_login(clerk)
    before = owner.profile.avatar.name

    response = client.post(
        f"/admin/profiles/user/{owner.pk}/change/",
        {"profile-0-avatar": ContentFile(samples.jpeg(), name="x.jpg")},
    )

    assert response.status_code == 403
    assert Profile.objects.get(pk=owner.profile.pk).avatar.name == before
    assert len(list(settings.MEDIA_ROOT.rglob("*.webp"))) == 2  # its two sizes


def test_staff_without_permission_put_nothing_into_the_bucket(on_s3, client, owner, staff):
    """Z6: a superuser's upload is the control."""
    clerk = make_member("clerk@example.org", is_staff=True)
    stored = []
    for user in (clerk, staff):
        client.force_login(user)
        on_s3.clear()
        posted = {"profile-0-avatar": ContentFile(samples.jpeg(), name="x.jpg")}
        client.post(f"/admin/profiles/user/{owner.pk}/change/", change(owner) | posted)
        stored.append(sum(request.method == "PUT" for request in on_s3.requests))

    assert stored[0] == 0
    assert stored[1] > 0
