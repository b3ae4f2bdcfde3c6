"""E1: each user has one verified, primary address, whoever saves the user and however."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client

from portal.accounts.verified_address import verify_new_addresses
from profiles.models import User
from tests.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db


def rows(user):
    columns = ["email", "verified", "primary"]
    return list(EmailAddress.objects.filter(user=user).order_by("pk").values_list(*columns))


def findings():
    found = checks.run_checks(tags=["database"], databases=["default"])
    return [warning.msg for warning in found if warning.id == "accounts.W001"]


def invite(email):
    chief = make_member("chief@example.org", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(chief)
    client.post("/admin/profiles/user/add/", {"email": email, "name": "New"})


@pytest.mark.parametrize(
    "make",
    [
        lambda email: User.objects.create_user(email),
        lambda email: User.objects.create_superuser(email, PASSWORD),
        lambda email: User.objects.create(email=email),
        lambda email: User.objects.update_or_create(email=email),
        lambda email: User(email=email).save(),
        lambda email: call_command("createsuperuser", interactive=False, email=email, verbosity=0),
        invite,
    ],
    ids=["create_user", "create_superuser", "create", "update_or_create", "save",
         "createsuperuser", "invitation"],
)  # fmt: skip
def test_a_new_user_has_a_verified_address(make):
    make("new@example.org")

    assert rows(User.objects.get(email="new@example.org")) == [("new@example.org", True, True)]


def by_staff(user, email):
    chief = make_member("chief@example.org", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(chief)
    form = client.get(f"/admin/profiles/user/{user.pk}/change/").context["adminform"].form
    profile = user.profile
    data = {"email": email, "is_active": "on", "profile-0-id": profile.pk,
            "profile-0-user": user.pk, "profile-0-visibility": "members",
            "profile-TOTAL_FORMS": 1, "profile-INITIAL_FORMS": 1}  # fmt: skip
    assert form.instance == user
    assert client.post(f"/admin/profiles/user/{user.pk}/change/", data).status_code == 302


def by_save(user, email):
    user.email = email
    user.save()


def by_update_fields(user, email):
    user.email = email
    user.save(update_fields=["email"])


@pytest.mark.parametrize("change", [by_staff, by_save, by_update_fields])
def test_the_row_follows_a_changed_address(member, change):
    """The address that waited for confirmation is dropped: somebody has decided since."""
    EmailAddress.objects.create(user=member, email="waiting@example.org")

    change(member, "New@example.org")

    assert rows(member) == [("new@example.org", True, True)]
    assert User.objects.get(pk=member.pk).email == "new@example.org"


def save_all(user):
    user.is_active = not user.is_active
    user.save()


def save_a_field(user):
    user.set_password("another long passphrase")
    user.save(update_fields=["password"])


def save_without_the_address(user):
    User.objects.defer("email").get(pk=user.pk).save()


def save_another_form_of_it(user):
    by_save(user, user.email.upper())


@pytest.mark.parametrize(
    "save", [save_all, save_a_field, save_without_the_address, save_another_form_of_it]
)
def test_a_change_that_waits_outlives_other_changes(member, save):
    EmailAddress.objects.create(user=member, email="waiting@example.org")

    save(member)

    kept = [("ada@example.org", True, True), ("waiting@example.org", False, False)]
    assert rows(member) == kept


def test_an_address_that_is_not_saved_changes_nothing(member):
    member.email = "unsaved@example.org"
    member.save(update_fields=["is_active"])

    assert rows(member) == [("ada@example.org", True, True)]


def test_a_refused_save_leaves_user_and_row_as_they_were(member, other_member):
    for email in ("nobody", "", None):
        with pytest.raises(ValidationError):
            by_save(member, email)
        member.refresh_from_db()

    assert member.email == "ada@example.org"
    assert rows(member) == [("ada@example.org", True, True)]


def test_a_deleted_user_frees_the_address(member):
    member.delete()

    assert not EmailAddress.objects.exists()
    assert rows(make_member("ada@example.org")) == [("ada@example.org", True, True)]


def test_users_may_exchange_addresses(member, other_member):
    by_save(other_member, "between@example.org")
    by_save(member, "grace@example.org")
    by_save(other_member, "ada@example.org")

    assert rows(member) == [("grace@example.org", True, True)]
    assert rows(other_member) == [("ada@example.org", True, True)]
    assert findings() == []


def test_the_check_is_content_with_what_save_has_made(member, staff):
    EmailAddress.objects.create(user=member, email="waiting@example.org")

    assert findings() == []


def none_from_bulk_create(user):
    User.objects.bulk_create([User(email="bulk@example.org")])
    return User.objects.get(email="bulk@example.org")


def another_after_an_update(user):
    User.objects.filter(pk=user.pk).update(email="new@example.org")
    return user


def unverified(user):
    EmailAddress.objects.filter(user=user).update(verified=False)
    return user


def not_primary(user):
    EmailAddress.objects.filter(user=user).update(primary=False)
    return user


def a_second_one(user):
    EmailAddress.objects.create(user=user, email="second@example.org", verified=True)
    return user


@pytest.mark.parametrize(
    "damage",
    [none_from_bulk_create, another_after_an_update, unverified, not_primary, a_second_one],
)
def test_the_check_finds_what_save_has_not_made_and_saving_mends_it(member, staff, damage):
    damaged = damage(member)

    assert findings() == [
        f"Users without a verified e-mail address of their own: 1 (pk {damaged.pk})."
    ]
    damaged.refresh_from_db()
    damaged.save()
    assert findings() == []


def test_a_stale_row_of_another_user_is_no_hindrance(member, other_member):
    """The row that an update() has left behind does not keep the address for nobody."""
    User.objects.filter(pk=member.pk).update(email="new@example.org")

    by_save(other_member, "ada@example.org")

    assert rows(other_member) == [("ada@example.org", True, True)]


@pytest.mark.parametrize(("count", "named", "rest"), [(20, 20, ""), (21, 20, ", ...")])
def test_the_check_names_twenty_of_many(count, named, rest):
    User.objects.bulk_create(User(email=f"m{number}@example.org") for number in range(count))
    pks = User.objects.order_by("pk").values_list("pk", flat=True)[:named]

    [finding] = findings()

    assert finding == (
        "Users without a verified e-mail address of their own:"
        f" {count} (pk {', '.join(map(str, pks))}{rest})."
    )


def test_the_check_waits_for_migrate(member):
    """`migrate` asks for it first, while there may be no such column, and mends it afterwards."""
    EmailAddress.objects.all().delete()
    assert findings()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'profiles'")

    assert findings() == []


def test_the_check_is_run_by_the_command(member):
    EmailAddress.objects.all().delete()
    output = StringIO()

    call_command("check", databases=["default"], stderr=output)

    assert "accounts.W001" in output.getvalue()
    assert "save()" in output.getvalue()


def test_an_unused_address_of_allauths_flows_ends_up_as_the_only_one(member):
    """Whatever code uses allauth's own methods comes past save(), too."""
    new = EmailAddress.objects.create(user=member, email="new@example.org", verified=True)

    new.set_as_primary()

    assert rows(member) == [("new@example.org", True, True)]
    assert User.objects.get(pk=member.pk).email == "new@example.org"


def test_removing_the_address_by_allauth_is_refused(member):
    """It would leave an account without one: the fault of the first version."""
    with pytest.raises(ValidationError):
        EmailAddress.objects.get(user=member).remove()

    assert User.objects.get(pk=member.pk).email == "ada@example.org"


def test_members_who_are_made_many_at_a_time_have_their_one_address():
    """As a list of invitations makes them."""
    EmailAddress.objects.create(
        user=make_member("former@example.org"), email="m1@example.org", verified=True
    )
    users = User.objects.bulk_create(User(email=f"m{number}@example.org") for number in range(3))

    verify_new_addresses(users)

    assert [rows(user) for user in users] == [[(user.email, True, True)] for user in users]
    assert findings() == []
