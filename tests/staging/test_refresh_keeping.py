"""refresh_staging --keep: drawn files in place of those of members, of which none is fetched."""

import io
import json

import pytest
from django.core.management import call_command

from portal.staging import placeholders
from profiles.models import Profile, User
from tests.conftest import s3_client
from tests.support.refresh_command import (
    LIVE,
    MEMBERS,
    STAGING,
    keys_in,
    refresh,
    refused,
    staff_keys,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live_site(restored, settings):
    settings.AVATAR_PIXELS = 64  # drawn quickly
    return restored


def drawn_keys(server):
    return sorted(set(keys_in(server, STAGING)) - set(staff_keys()))


def test_photos_and_resumes_are_drawn(live_site):
    """As many as on live, beside those of the staff, which come from live."""
    said = refresh("--keep", "3")

    keys = drawn_keys(live_site)
    assert [key.partition("/")[0] for key in keys] == ["media"] * 3 + ["protected"] * 3
    assert "6 files of replaced members were drawn" in said
    assert "6 of 6 are as on live" in said
    profiles = Profile.objects.filter(user__is_staff=False)
    named = {f"media/{profile.avatar.name}" for profile in profiles}
    assert named | {f"protected/{profile.resume.name}" for profile in profiles} == set(keys)


def test_they_are_stored_as_uploads_are(live_site):
    refresh("--keep", "1")

    photo, resume = (
        s3_client(live_site).get_object(Bucket=STAGING, Key=key) for key in drawn_keys(live_site)
    )
    assert (photo["ContentType"], resume["ContentType"]) == ("image/webp", "application/pdf")
    assert photo["CacheControl"] == "public, max-age=86400"
    assert resume["ContentDisposition"] == "attachment"
    assert resume["Body"].read(5) == b"%PDF-"


@pytest.mark.whole
def test_no_file_of_a_replaced_member_is_asked_for(live_site):
    refresh("--keep", str(MEMBERS))

    asked = {request.key for request in live_site.requests if request.bucket == LIVE}
    assert not {key for key in asked if key.endswith(".bin")} - set(staff_keys())


def test_what_a_killed_run_has_not_drawn_is_drawn_by_the_next(live_site, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(placeholders, "missing", interrupt)
        refused("--keep", "3")
    rows = list(Profile.objects.values_list("pk", "name", "avatar"))
    assert drawn_keys(live_site) == []

    refresh("--keep", "3")

    assert list(Profile.objects.values_list("pk", "name", "avatar")) == rows
    assert len(drawn_keys(live_site)) == 6


def interrupt(*arguments):
    raise KeyboardInterrupt


@pytest.mark.whole
def test_what_is_there_is_not_drawn_again(live_site):
    refresh("--keep", "3")
    live_site.clear()

    said = refresh("--keep", "3")

    assert "0 files of replaced members were drawn, and 6 were there" in said
    stored = [r.key for r in live_site.requests if r.method == "PUT" and "refresh" not in r.key]
    assert stored == []


def test_a_dry_run_counts_what_is_to_be_drawn(live_site, tmp_path):
    dry, real = tmp_path / "dry.json", tmp_path / "real.json"

    assert "6 files of replaced members are to be drawn" in refresh(
        "--keep", "3", "--dry-run", "--report", str(dry)
    )
    assert User.objects.filter(email__endswith="@example.org").count() == 8
    refresh("--keep", "3", "--report", str(real))

    counts = [json.loads(path.read_text()) for path in (dry, real)]
    for part, facts in (("scrub", "rows"), ("draw", "stored"), ("copy", "fields")):
        assert counts[0][part][facts] == counts[1][part][facts]
    assert drawn_keys(live_site)


def test_a_copy_leaves_drawn_files_out(live_site):
    """They are not missing on live: they have never been there."""
    refresh("--keep", "3")

    call_command("copy_live_media", stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.whole
def test_another_secret_leaves_nothing_of_the_former_one(live_site, settings):
    refresh("--keep", "3")
    before = set(drawn_keys(live_site)), set(User.objects.values_list("email", flat=True))
    settings.SECRET_KEY = "another secret of the same staging site"

    refresh("--keep", "3", "--sweep", "--most")

    assert len(drawn_keys(live_site)) == 6
    assert not before[0] & set(drawn_keys(live_site))
    emails = User.objects.filter(is_staff=False).values_list("email", flat=True)
    assert not before[1] & set(emails)


def test_files_of_those_who_have_agreed_come_from_live(live_site):
    Profile.objects.filter(user__email="user2@example.org").update(use_for_tests=True)

    refresh("--keep", "1", "--keep-consenting")

    assert {"media/avatars/2.bin", "protected/resumes/2.bin"} <= set(keys_in(live_site, STAGING))
    assert User.objects.filter(email="user2@example.org").exists()


def test_a_bucket_that_refuses_drawn_files_ends_the_run(live_site, monkeypatch):
    refuse = {"AKIAPORTAL": lambda method, bucket, key: method != "PUT" or "refresh" in key}
    monkeypatch.setattr(live_site, "permissions", live_site.permissions | refuse)

    assert "a placeholder could not be stored" in str(refused("--keep", "3"))
