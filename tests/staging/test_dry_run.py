"""refresh_staging --dry-run: it prints exactly what the run then does."""

import json
from dataclasses import replace

import pytest
from django.db import connection

from profiles.models import User
from profiles.scrub_rules import RULES
from tests.conftest import s3_client
from tests.support.refresh_command import (
    LIVE,
    MEMBERS,
    STAFF,
    STAGING,
    keys_in,
    refresh,
    refused,
    staff_keys,
)
from tests.support.rows import whole_database

pytestmark = pytest.mark.django_db(transaction=True)

FACTS = ("rows", "fields", "storages")


def facts(path) -> dict:
    """The numbers of a report, without the seconds of each part."""
    report = json.loads(path.read_text())
    parts = ("scrub", "copy", "sweep")
    return {
        (part, fact): report[part][fact] for part in parts for fact in FACTS if fact in report[part]
    }


def test_rows_files_and_bytes_are_those_of_the_run(restored, tmp_path):
    """With a file that has arrived before, one that is missing, and one that no row names."""
    refresh_bucket(restored)
    before = whole_database()
    dry, real = tmp_path / "dry.json", tmp_path / "real.json"

    refused("--dry-run", "--report", str(dry))
    assert whole_database() == before
    refused("--report", str(real))

    assert facts(dry) == facts(real)
    assert facts(dry)["copy", "fields"]["profiles.Profile.avatar"] == {
        "copied": 1, "unchanged": 1, "missing": 1, "bytes": len("avatars/6.bin"),
    }  # fmt: skip
    assert facts(dry)["sweep", "storages"]["default"]["unnamed"] == 1
    assert facts(dry)["scrub", "rows"]["profiles.User"]["after"] == STAFF


def refresh_bucket(server) -> None:
    client = s3_client(server)
    client.delete_object(Bucket=LIVE, Key=staff_keys()[0])
    body = client.get_object(Bucket=LIVE, Key=staff_keys()[2])["Body"].read()
    for key in (staff_keys()[2], "media/avatars/0.bin"):
        client.put_object(Bucket=STAGING, Key=key, Body=body, ContentType="image/webp")


def test_it_says_at_its_end_that_nothing_was_changed(restored):
    said = refresh("--dry-run")

    assert said.rstrip().endswith("Nothing was changed: this was a dry run.")
    assert "Scrubbed" not in said
    assert "as on live" not in said
    assert keys_in(restored, STAGING) == []


def test_the_control_says_that_it_was_scrubbed(restored):
    said = refresh()

    assert "Scrubbed." in said
    assert "dry run" not in said


def test_rows_that_would_point_to_nothing_are_found_by_a_dry_run(restored, settings, monkeypatch):
    """As by the commit of the run: the constraints of the rows that stay are checked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE notes_about_members"
            " (id integer PRIMARY KEY, member_id bigint REFERENCES profiles_user (id)"
            " DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute("INSERT INTO notes_about_members SELECT 1, min(id) FROM profiles_user")
    try:
        kept = RULES.kept_tables | {"notes_about_members"}
        monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, kept_tables=kept))
        settings.SCRUB_RULES = f"{__name__}.RULES"
        error = refused("--dry-run")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE notes_about_members")

    assert "the database refused (IntegrityError" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
