"""The policy of the live site's read-only key: enough for a copy, and nothing to spare."""

import io
import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from tests.conftest import make_member

from .lending import LAYOUTS, connection, lend, live, printed, without
from .runs import setup_bucket

pytestmark = pytest.mark.any_database


@pytest.fixture
def copied(request, server, site, at, db):
    """A staging site with two rows: the file of one is on live, that of the other is nowhere."""
    separate = getattr(request, "param", False)
    site(
        connection("live")
        | {"AWS_S3_ENDPOINT_URL": at["AWS_S3_ENDPOINT_URL"]}
        | ({"PROTECTED_BUCKET_NAME": "live-protected"} if separate else {})
    )
    setup_bucket()
    of_live = printed()["live"]
    for name in ("resumes/there.pdf", "resumes/gone.pdf"):
        profile = make_member(f"{name[8:-4]}@example.org").profile
        type(profile).objects.filter(pk=profile.pk).update(resume=name)
    storages["protected"].save("resumes/there.pdf", ContentFile(b"%PDF"))
    site(
        connection("staging")
        | live("live")
        | at
        | {"SITE_ENVIRONMENT": "development"}
        | ({"LIVE_PROTECTED_BUCKET_NAME": "live-protected"} if separate else {})
    )
    setup_bucket()
    assert printed()["live"] == of_live
    lend(server, printed())
    return server


def copy() -> str:
    out = io.StringIO()
    with pytest.raises(CommandError):  # for one file is missing
        call_command("copy_live_media", stdout=out, stderr=out)
    return out.getvalue()


def outcomes(text: str) -> dict:
    """Of each field that has files, how many of them had which outcome."""
    lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
    header = next(line for line in lines if "missing" in line)
    rows = [line for line in lines if line[0] == "profiles.Profile.resume"]
    return dict(zip(header[1:], rows[0][1:], strict=False))


@pytest.mark.parametrize("copied", [False, True], indirect=True, ids=LAYOUTS)
def test_the_live_key_is_enough_to_copy_from_live(copied):
    said = outcomes(copy())

    assert (said["missing"], said["denied"]) == ("1", "0")
    with storages["protected"].open("resumes/there.pdf") as file:
        assert file.read() == b"%PDF"


def test_the_live_key_needs_to_list_to_know_what_is_missing(copied):
    copied.identities["AKIALIVE"] = without(copied.identities["AKIALIVE"], "s3:ListBucket")

    said = outcomes(copy())

    assert (said["missing"], said["denied"]) == ("0", "1")


def test_the_live_key_needs_to_get(copied):
    copied.identities["AKIALIVE"] = without(copied.identities["AKIALIVE"], "s3:GetObject")

    copy()

    assert not storages["protected"].exists("resumes/there.pdf")
