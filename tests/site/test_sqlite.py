"""SQLite on a laptop: saves that come at once wait for one another."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test import Client

from profiles.models import Profile
from tests.conftest import make_member, settings_for

pytestmark = pytest.mark.any_database  # which is SQLite, and these tests are about it

SAVES = 24


@pytest.fixture
def database_file(transactional_db, monkeypatch, tmp_path):
    """The test's database as a file, opened by new threads as the site's own settings say."""
    path = tmp_path / "db.sqlite3"

    def copy():
        with closing(sqlite3.connect(path)) as file:
            connection.connection.backup(file)
        given = settings_for({"DATABASE_URL": f"sqlite:///{path}"})["DATABASES"]["default"]
        monkeypatch.setitem(connections.settings, "default", connection.settings_dict | given)

    return copy


def test_members_who_save_at_once_all_succeed(database_file):
    members = [make_member(f"member{number}@example.org") for number in range(SAVES)]
    visitors = [Client() for _ in members]
    for visitor, member in zip(visitors, members, strict=True):
        visitor.force_login(member)
    database_file()
    together = Barrier(SAVES)

    def save(visitor):
        together.wait()
        try:
            form = {"name": "Ada", "visibility": "public"}
            answer = visitor.post("/me/edit/", form)
            saved = Profile.objects.get(user_id=visitor.session["_auth_user_id"]).name
            return answer.status_code, saved
        finally:
            connection.close()

    with ThreadPoolExecutor(SAVES) as pool:
        answers = list(pool.map(save, visitors))

    assert answers == [(302, "Ada")] * SAVES


def test_what_a_database_url_says_of_the_lock_stands(tmp_path):
    url = f"sqlite:///{tmp_path}/db.sqlite3?transaction_mode=EXCLUSIVE"

    options = settings_for({"DATABASE_URL": url})["DATABASES"]["default"]["OPTIONS"]

    assert options["transaction_mode"] == "EXCLUSIVE"
