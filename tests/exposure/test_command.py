"""check_storage: what a person reads, what is shown without requests, and that no probe is left."""

import io
import json

import pytest
from django.core import checks
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from portal.exposure.anonymous_client import AnonymousClient, Response
from portal.exposure.describe import links, masked
from portal.exposure.findings import OK, Finding
from portal.exposure.management.commands import check_storage
from portal.exposure.probes import Probe, Probes
from tests.conftest import BUCKET

from .runs import LIVE_BUCKET, check, failed, names, only


def test_a_person_reads_a_line_for_each_question(on_s3):
    out = io.StringIO()

    call_command("check_storage", stdout=out, no_color=True)

    lines = out.getvalue().splitlines()
    assert "ok    protected       a signed link opens it" in lines
    assert "      Set AWS_S3_ENDPOINT_URL to an address that starts with https://." in lines
    assert lines[-1].endswith("1 to look at, 0 failed.")


@pytest.mark.parametrize("what", [KeyboardInterrupt, RuntimeError])
def test_no_probe_is_left_by_a_run_that_is_cut_off(on_s3, monkeypatch, what):
    def ask(self, method, url, body=None):
        if "/protected/check-storage" in url:
            raise what
        return Response(200 if method == "HEAD" else 403)

    monkeypatch.setattr(AnonymousClient, "ask", ask)

    with pytest.raises((CommandError, RuntimeError)) as caught:
        call_command("check_storage", stdout=io.StringIO())

    assert what is RuntimeError or caught.value.returncode == 130
    assert [r.key[:6] for r in on_s3.requests if r.method == "PUT"] == ["media/", "protec"]
    assert names(on_s3) == []


def test_no_probe_is_left_by_an_upload_that_is_cut_off(on_s3, monkeypatch):
    """S3 may have it although nobody heard the answer."""
    probes, probe = Probes(), Probe.of(storages["default"])
    save = probe.storage.save

    def cut_off(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(probe.storage, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        probes.write(probe)
    assert names(on_s3) == [probe.key]

    assert list(probes.remove()) == []

    assert names(on_s3) == []


def test_a_probe_that_cannot_be_removed_is_named(on_s3):
    asked = []

    def at_the_end(request):
        is_ours = request.method == "DELETE" and "authorization" in request.headers
        asked.append(request.key) if is_ours and request.key.startswith("media/") else None
        return is_ours and len(asked) > 1 and request.key.startswith("media/")

    on_s3.fail_next(403, "AccessDenied", times=1, matching=at_the_end)

    red = only(failed())

    left = only(names(on_s3))
    assert red.statement == "the probe was removed"
    assert f"Delete {left} from {BUCKET} by hand" in red.hint


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (checks.Error("Wrong.", hint="Correct it.", id="portal.E900"), "portal.E900"),
        (checks.Critical("Wrong.", hint="Correct it.", id="portal.E901"), "portal.E901"),
        (checks.Error("Wrong.", hint="Correct it.", id="portal.E902"), None),
        (checks.Warning("Odd.", hint="Look at it.", id="portal.W900"), None),
    ],
    ids=["error", "critical", "silenced", "warning"],
)
def test_an_error_in_the_settings_is_the_only_finding(
    on_s3, settings, monkeypatch, found, expected
):
    """A warning, and an error that a project has silenced, keep no question from being asked."""
    settings.SILENCED_SYSTEM_CHECKS = ["portal.E902"]
    monkeypatch.setattr(checks, "run_checks", lambda tags: [found] if tags == ["files"] else [])
    monkeypatch.setattr(check_storage, "access_findings", lambda *_: [Finding(OK, "x", "asked")])
    monkeypatch.setattr(check_storage, "asset_findings", lambda client: [])
    monkeypatch.setattr(check_storage, "read_only_findings", lambda twins, client: [])

    findings, ending = check()

    wrong = ("FAIL", "settings", "Wrong.", expected, "Correct it.")
    asked = ("ok", "x", "asked", "", "")
    assert [tuple(vars(each).values()) for each in findings] == [wrong if expected else asked]
    assert bool(ending) is bool(expected)


def test_a_second_interruption_names_what_it_leaves(on_s3, monkeypatch):
    probes, probe = Probes(), Probe.of(storages["default"])
    probes.write(probe)

    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(probe.storage, "delete", interrupted)

    assert probe.key in only(list(probes.remove())).hint


def test_it_shows_where_files_are_without_secrets_and_requests(live):
    out = io.StringIO()

    call_command("check_storage", "--show", stdout=out, no_color=True)

    shown = out.getvalue()
    assert "portal-secret" not in shown
    assert "live-secret" not in shown
    assert "AKIAPORTAL" not in shown
    assert "AKIA..." in shown
    assert live.requests == []


def test_it_shows_each_storage_as_it_resolved(live):
    out = io.StringIO()

    call_command("check_storage", "--show", "--json", stdout=out)

    shown = json.loads(out.getvalue())
    assert shown.keys() == {
        "default", "protected", "assets", "staticfiles", "live default", "live protected"
    }  # fmt: skip
    address = f"{live.endpoint_url}/{BUCKET}/"
    assert shown["default"] == {
        "class": "PublicMediaStorage",
        "bucket": BUCKET,
        "region": "eu-west-1",
        "endpoint": live.endpoint_url,
        "addressing": "path",
        "prefix": "media/",
        "address": address,
        "custom domain": "none",
        "links": f"open to everyone, {address}media/",
        "caching": "public, max-age=86400",
        "key": "AKIA...",
    }
    assert shown["protected"]["links"] == "signed, valid for 600 s"
    assert shown["live protected"]["bucket"] == LIVE_BUCKET


def test_a_laptop_has_nothing_to_prove(settings):
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"nothing to prove.*AWS_STORAGE_BUCKET_NAME"):
        call_command("check_storage", stdout=out)

    assert "ProtectedFileStorage" in out.getvalue()
    assert "signed, valid for 600 s" in out.getvalue()


def test_a_laptop_shows_its_folders(settings):
    out = io.StringIO()

    call_command("check_storage", "--show", stdout=out, no_color=True)

    assert out.getvalue().splitlines()[:9] == [
        "default",
        "  class   PublicFileStorage",
        f"  folder  {settings.MEDIA_ROOT / 'media'}",
        "  links   open to everyone, /media/",
        "protected",
        "  class   ProtectedFileStorage",
        f"  folder  {settings.MEDIA_ROOT / 'protected'}",
        "  links   signed, valid for 600 s",
        "staticfiles",
    ]
    out = io.StringIO()

    call_command("check_storage", "--show", "--json", stdout=out)

    shown, root = json.loads(out.getvalue()), settings.MEDIA_ROOT
    assert (shown["default"], shown["protected"]) == (
        {"class": "PublicFileStorage", "folder": str(root / "media"),
         "links": "open to everyone, /media/"},
        {"class": "ProtectedFileStorage", "folder": str(root / "protected"),
         "links": "signed, valid for 600 s"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "shown"), [("AKIAPORTAL", "AKIA..."), ("123456789", "1234..."), ("12345678", "...")]
)
def test_of_a_key_enough_is_shown_to_tell_two_apart(key, shown):
    assert masked(key) == shown
    assert (links(60, None), links(0, "/x/")) == ("signed, valid for 60 s", "open to everyone, /x/")
