"""Members of the tests are members as the models save them."""

import pytest
from django.apps import apps
from django.db import transaction

from profiles.models import User
from tests.conftest import PASSWORD
from tests.support.members import write_member

OF_THE_ROW = {"id", "password", "date_joined", "created_at", "updated_at"}

pytestmark = pytest.mark.django_db


def saved_member(email, password, *, name, visibility, **fields):
    user = User.objects.create_user(email, password, **fields)
    user.profile.name, user.profile.visibility = name, visibility
    user.profile.save()
    return user


def rows():
    """Return what all tables hold, without keys and times."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        names = [
            field.attname
            for field in model._meta.local_concrete_fields
            if field.name not in OF_THE_ROW and not field.is_relation
        ]
        found[model._meta.label] = sorted(map(repr, model._base_manager.values_list(*names)))
    return found


@pytest.mark.parametrize(
    ("email", "name", "fields"),
    [
        ("ada@example.org", "Ada  Lovelace", {}),
        ("Ake@exämple.org", "Åke Ada von Ångström", {"is_staff": True, "is_superuser": True}),
        ("nameless@example.org", "", {"is_active": False}),
    ],
)
def test_the_same_rows_are_written_as_by_save(email, name, fields):
    fields |= {"name": name, "visibility": "public"}

    with transaction.atomic():
        write_member(email, PASSWORD, **fields)
        written = rows()
        transaction.set_rollback(True)
    nothing = rows()
    saved_member(email, PASSWORD, **fields)

    assert written == rows()
    assert written != nothing


def test_a_member_logs_in_and_has_a_profile(client):
    user = write_member("ada@example.org", PASSWORD, name="Ada")

    assert client.login(username="ada@example.org", password=PASSWORD)
    assert user.profile.user is user
    assert User.objects.get().profile == user.profile
