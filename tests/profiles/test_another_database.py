"""Members on another database than the default one: `createsuperuser --database` adds one there."""

import io

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test.utils import CaptureQueriesContext

from profiles.directory.models import DirectoryEntry, ResumeText
from profiles.models import Profile, User

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ALIAS = "elsewhere"
EMAIL = "chief@example.org"


@pytest.fixture
def elsewhere(monkeypatch):
    """Return the name of an empty database in memory with the same tables."""
    settings = connections["default"].settings_dict | {"NAME": ":memory:"}
    another = DatabaseWrapper(settings, ALIAS)
    with connections["default"].cursor() as of_default, another.cursor() as cursor:
        of_default.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        for [sql] in of_default.fetchall():
            cursor.execute(sql)
    monkeypatch.setitem(connections.databases, ALIAS, settings)
    connections[ALIAS] = another
    yield ALIAS
    another.connection.close()
    del connections[ALIAS]


def test_a_superuser_is_added_there_with_all_that_belongs_to_one(elsewhere):
    options = {"database": elsewhere, "interactive": False, "email": EMAIL}
    call_command("createsuperuser", **options, stdout=io.StringIO())
    with CaptureQueriesContext(connections["default"]) as here:
        user = User.objects.using(elsewhere).get()
        user.profile.name = "Caroline Herschel"
        user.profile.resume = "resumes/hers.pdf"
        user.profile.new_resume_text = "Comets"
        user.profile.save()
        user.email = "caroline@example.org"
        user.save()

    assert here.captured_queries == []
    assert not User.objects.exists()
    assert (user.is_staff, user.is_superuser) == (True, True)
    rows = user.emailaddress_set.values_list("email", "verified", "primary")
    assert list(rows) == [("caroline@example.org", True, True)]
    there = Profile.objects.using(elsewhere).values_list("name", "sort_key")
    assert list(there) == [("Caroline Herschel", "caroline herschel")]
    assert DirectoryEntry.objects.using(elsewhere).get().name == " caroline herschel "
    assert "comets" in ResumeText.objects.using(elsewhere).get().words
