"""The mark of production in parts: how it is compared, confirmed, written and read."""

import contextlib
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portal.staging import identity
from portal.staging.identity import Database, Mark

LIVE = Database("1", "portal")


@pytest.mark.parametrize(
    ("own", "may_be"),
    [
        (("1", "portal"), True),
        (("2", "portal"), False),
        (("1", "staging"), False),
        (("2", "staging"), False),
        (("", "portal"), True),
        (("", "staging"), False),
    ],
)
def test_a_database_is_another_if_its_name_or_its_cluster_is(own, may_be):
    """Y9: a cluster that cannot be told counts as the same one."""
    assert Database(*own).may_be(LIVE) == LIVE.may_be(Database(*own)) == may_be


def test_two_databases_of_which_no_cluster_is_known_may_be_one():
    assert Database("", "portal").may_be(Database("", "portal"))


@pytest.mark.parametrize(
    ("own", "live", "shared"),
    [
        ([("b", "media/")], [("b", "media/")], ("b", "media/")),
        ([("b", "media/")], [("b", "")], ("b", "media/")),
        ([("b", "")], [("b", "media/")], ("b", "")),
        ([("a", "x/"), ("b", "media/")], [("c", "x/"), ("b", "media/")], ("b", "media/")),
        ([("b", "media/")], [("c", "media/")], None),
        ([("b", "media/")], [("b", "media-of-live/"), ("b", "protected/")], None),
        ([], [("b", "")], None),
        ([("b", "")], [], None),
    ],
)
def test_a_prefix_is_shared_if_one_is_within_the_other(monkeypatch, own, live, shared):
    """Y9: in a bucket of the same name."""
    monkeypatch.setattr(identity, "own_locations", lambda: own)

    assert identity.shared_location(Mark(LIVE, "production", live)) == shared


@pytest.mark.parametrize(
    ("parameters", "address"),
    [
        ({"host": "db.example.org", "port": 6000}, "portal@db.example.org:6000"),
        ({"host": "db.example.org"}, "portal@db.example.org:5432"),
        ({}, "portal@:5432"),
    ],
)
def test_a_fork_is_confirmed_by_its_own_address_alone(monkeypatch, parameters, address):
    monkeypatch.setattr(connection, "get_connection_params", lambda: parameters)
    monkeypatch.setattr(identity, "connected_database", lambda: LIVE)

    assert identity.is_confirmed(address)
    assert [identity.is_confirmed(nothing) for nothing in (None, "")] == [False, False]
    for other in (f"{address}0", address.replace("portal", "other"), f" {address}"):
        with pytest.raises(CommandError, match="does not name the database"):
            identity.is_confirmed(other)


def test_a_mark_of_another_site_is_what_a_command_gets(monkeypatch):
    """Which proves that the database is a copy; without one, nothing is proven."""
    mark = Mark(LIVE, "production", [])
    monkeypatch.setattr(identity, "connected_database", lambda: Database("2", "portal"))
    for found in (mark, None):
        monkeypatch.setattr(identity, "read_mark", lambda found=found: found)

        assert identity.refuse_live() is found


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_files_in_live_s_place_are_left_alone_beside_a_copy(monkeypatch, settings, environment):
    """Y9: a production site may remove what its own, marked database does not name."""
    settings.SITE_ENVIRONMENT = environment
    mark = Mark(LIVE, "production", [("b", "media/")])
    monkeypatch.setattr(identity, "own_locations", lambda: [("b", "media/")])

    def refused(own, found, *, words=""):
        monkeypatch.setattr(identity, "connected_database", lambda: own)
        monkeypatch.setattr(identity, "read_mark", lambda: found)
        with pytest.raises(CommandError, match=words) if words else contextlib.nullcontext():
            identity.refuse_foreign_files()

    copy = "copy of the one" if environment == "production" else "keeps files in b below media/"
    original = "" if environment == "production" else "the live site's own database"
    refused(LIVE, mark, words=original)
    refused(Database("2", "portal"), mark, words=copy)
    refused(Database("2", "portal"), mark._replace(locations=[("c", "")]))
    refused(Database("2", "portal"), None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ("production", "Only PostgreSQL databases are marked."),
        ("staging", "This is a staging site: its database has no mark."),
    ],
)
def test_a_file_of_sqlite_gets_no_mark(settings, monkeypatch, caplog, environment, words):
    monkeypatch.setattr(connection, "vendor", "sqlite")
    settings.SITE_ENVIRONMENT = environment
    output = io.StringIO()

    with CaptureQueriesContext(connection) as queries:
        call_command("mark_database", stdout=output)
        identity.mark_at_start()

    assert output.getvalue() == f"{words}\n"
    assert (queries.captured_queries, caplog.messages) == ([], [])
    assert identity.read_mark() is None


@pytest.fixture
def production(settings, transactional_db):
    """A production site on PostgreSQL, whose mark is removed after the test."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    settings.SITE_ENVIRONMENT = "production"
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {identity.TABLE}")


@pytest.mark.postgresql
def test_a_mark_is_written_by_one_process_at_a_time_and_the_table_made_once(production):
    """A role that may only write rows renews it; several dynos start at once."""
    for has_table in (False, True):
        with CaptureQueriesContext(connection) as queries:
            call_command("mark_database", stdout=io.StringIO())

        texts = [query["sql"] for query in queries]
        written = next(n for n, text in enumerate(texts) if "INSERT INTO" in text)
        locked = next(
            n for n, text in enumerate(texts) if "pg_advisory_xact_lock(7264813551" in text
        )
        begun = next(n for n, text in enumerate(texts[locked::-1]) if "BEGIN" in text)
        assert begun == 1, "the lock ends with the transaction of the mark"
        assert locked < written
        assert any("CREATE TABLE" in text for text in texts) != has_table

    mark = identity.read_mark()
    assert mark == Mark(identity.connected_database(), "production", [])
    assert mark.database.system_identifier.isdigit()


@pytest.mark.postgresql
def test_a_mark_that_nobody_has_written_is_none(production):
    """The table is there, and empty: a start of production was refused in between."""
    identity.write_mark()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {identity.TABLE}")

    assert identity.is_marked()
    assert identity.read_mark() is None


@pytest.mark.postgresql
def test_a_role_that_may_not_read_the_identifier_goes_on_without(production):
    """Some providers allow it to superusers alone; the transaction goes on."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE no_reader")
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cursor.execute("SET ROLE no_reader")
        try:
            with transaction.atomic():
                found = identity.connected_database()
                cursor.execute("SELECT 1")
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
            cursor.execute("DROP ROLE no_reader")

    assert found == Database("", connection.settings_dict["NAME"])


@pytest.mark.postgresql
def test_a_start_without_a_mark_says_so_and_leaves_no_connection(production, monkeypatch, caplog):
    """gunicorn forks afterwards, and two processes must not share one."""
    identity.mark_at_start()
    assert (connection.connection, caplog.messages) == (None, [])
    assert identity.is_marked()

    def fail():
        raise DatabaseError("with a password in it")

    monkeypatch.setattr(identity, "write_mark", fail)
    identity.mark_at_start()

    assert connection.connection is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith(
        "The database could not be marked as the live site's (DatabaseError). A restart"
    )


@pytest.mark.postgresql
@pytest.mark.parametrize("is_release", [True, False])
def test_files_that_the_settings_no_longer_name_are_told_once(
    production, monkeypatch, caplog, is_release
):
    """PROTECTED_BUCKET_NAME is set later, or a prefix renamed: each resume would be missing."""
    errors = io.StringIO()

    def start(*locations):
        monkeypatch.setattr(identity, "own_locations", lambda: set(locations))
        if is_release:
            call_command("mark_database", stdout=io.StringIO(), stderr=errors)
        else:
            identity.mark_at_start()

    start(("b", "media/"), ("b", "protected/"))
    start(("b", "media/"), ("b", "protected/"), ("b", "minutes/"))
    assert errors.getvalue() + caplog.text == ""

    start(("b", "media/"), ("c", "protected/"), ("b", "minutes/"))
    start(("b", "media/"), ("c", "protected/"), ("b", "minutes/"))

    told = errors.getvalue() if is_release else "".join(caplog.messages)
    assert told.count("The settings no longer name b below protected/, where") == 1


@pytest.mark.postgresql
def test_a_release_fails_if_the_mark_cannot_be_written(production, monkeypatch):
    output = io.StringIO()
    call_command("mark_database", stdout=output)
    assert output.getvalue() == "The database is marked as the live site's.\n"

    def fail():
        raise DatabaseError("away")

    monkeypatch.setattr("portal.staging.management.commands.mark_database.write_mark", fail)

    with pytest.raises(CommandError, match="The database could not be marked: away"):
        call_command("mark_database", stdout=io.StringIO())
