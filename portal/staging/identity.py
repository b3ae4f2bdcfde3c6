"""The mark of production: which database and which buckets are the live site's own.

A variable can be wrong: a staging app that was given the DATABASE_URL of the live site would scrub
it. So production writes a mark into its own database, at each release and at each start, and every
destructive command compares the mark with the database that it is connected to. A dump carries the
mark along. The copy is accepted, because it has another name or is on another cluster.

The table belongs to no model: like that of the cache, it is not part of anybody's data.
"""

import json
import logging
from typing import NamedTuple

from django.core.management.base import CommandError
from django.db import Error, OperationalError, connection, transaction

from portal.files.hints import of_database
from portal.files.locations import location_of
from portal.files.references import field_storages
from portal.s3.addresses import is_within

from . import conf

TABLE = "portal_identity"
LOCK = 7_264_813_551  # any number that nothing else in this database locks

CREATE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        system_identifier text NOT NULL,
        database text NOT NULL,
        environment text NOT NULL,
        locations text NOT NULL,
        marked_at timestamptz NOT NULL
    )
"""
WRITE = f"""
    INSERT INTO {TABLE} (system_identifier, database, environment, locations, marked_at)
    VALUES (%s, %s, %s, %s, now())
    ON CONFLICT (only_row) DO UPDATE SET
        system_identifier = EXCLUDED.system_identifier, database = EXCLUDED.database,
        environment = EXCLUDED.environment, locations = EXCLUDED.locations, marked_at = now()
"""  # noqa: S608 - the table's name is above
READ = f"SELECT system_identifier, database, environment, locations FROM {TABLE}"  # noqa: S608

logger = logging.getLogger(__name__)


class Database(NamedTuple):
    """A database as its own server names it, by whatever address it is reached."""

    system_identifier: str  # of the cluster, made by initdb; "" if this role may not read it
    name: str

    def may_be(self, other: "Database") -> bool:
        """Return True unless the two are known to differ."""
        identifiers = {self.system_identifier, other.system_identifier} - {""}
        return self.name == other.name and len(identifiers) < 2


class Mark(NamedTuple):
    """The mark that production has last written about itself."""

    database: Database
    environment: str
    locations: list[tuple[str, str]]  # the buckets and prefixes of its files


def is_markable() -> bool:
    """Return True on PostgreSQL: an SQLite database is a file on the same machine."""
    return connection.vendor == "postgresql"


def write_mark() -> list[tuple[str, str]]:
    """Mark the connected database as that of the live site. Raises django.db.Error.

    Returns the buckets and prefixes of the former mark in which no storage keeps files any more.
    """
    database, locations = connected_database(), own_locations()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # several dynos start at once
        former = read_mark()
        if not is_marked():
            cursor.execute(CREATE)
        cursor.execute(WRITE, [*database, conf.SITE_ENVIRONMENT, json.dumps(sorted(locations))])
    return sorted(set(former.locations) - locations) if former else []


def advice_on_files(left: list[tuple[str, str]]) -> str:
    """Return what to do about files in places that the settings no longer name."""
    places = ", ".join(f"{bucket} below {prefix}" for bucket, prefix in left)
    return (
        f"The settings no longer name {places}, where this site has kept files until now, and rows"
        " may name them. sweep_media lists the rows whose file is missing; docs/storage.md, Moving"
        " the files, says how to copy them."
    )


def mark_at_start() -> None:
    """Write or renew the mark when production starts; a start does not fail for want of it.

    A mark is out of date after an upgrade that has made a new cluster, or under a new name.
    """
    if conf.SITE_ENVIRONMENT != "production" or not is_markable():
        return
    try:
        if left := write_mark():
            logger.warning(advice_on_files(left))
    except Error as error:
        logger.warning(
            "The database could not be marked as the live site's (%s). A restart, or"
            " manage.py mark_database, tries again.",
            type(error).__name__,
        )
    finally:
        connection.close()  # gunicorn forks, and two processes must not share a connection


def connected_database() -> Database:
    """Return the database that this process is connected to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        [name] = cursor.fetchone()
        try:
            with transaction.atomic():
                cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
                [identifier] = cursor.fetchone()
        except Error:  # some providers let only superusers read it; the name has to do then
            identifier = ""
    return Database(identifier, name)


def is_standby() -> bool:
    """Return True if the connected database follows another one, and cannot be written."""
    if not is_markable():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return cursor.fetchone()[0]


def is_marked() -> bool:
    """Return True if the database has a table for the mark."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE])
        return cursor.fetchone()[0]


def read_mark() -> Mark | None:
    """Return the mark in the connected database; None if it has none."""
    if not is_markable() or not is_marked():
        return None
    with connection.cursor() as cursor:
        cursor.execute(READ)
        row = cursor.fetchone()
    if row is None:
        return None
    identifier, name, environment, locations = row
    return Mark(Database(identifier, name), environment, list(map(tuple, json.loads(locations))))


def own_locations() -> set[tuple[str, str]]:
    """Return the buckets and prefixes in which this site keeps the files that its rows name."""
    locations = map(location_of, field_storages().values())
    return {(location.bucket, location.prefix) for location in locations if location.bucket}


def refuse_live(confirmed_fork: str | None = None) -> Mark | None:
    """Raise CommandError if this site's database or its buckets are those of the mark.

    Returns the mark, or None where the database has none and nothing is proven.

    `confirmed_fork` is NAME@HOST:PORT of a physical copy, as a person has typed it: such a copy has
    the identifier and the name of its original, and only its address tells it apart.
    """
    try:
        mark = read_mark()
    except OperationalError as error:
        raise CommandError(f"Nothing was changed. {of_database(error)}") from error
    if mark is None:
        return None
    if connected_database().may_be(mark.database) and not is_confirmed(confirmed_fork):
        raise CommandError(
            "Nothing was changed. This is the live site's own database: production has marked it,"
            " and it still has the name and the cluster of the mark. Correct DATABASES in the"
            " settings, or the DATABASE_URL that they are made of. (If it is a physical"
            " copy of that database, such as a fork, docs/staging.md says how to confirm it.)"
        )
    if shared := shared_location(mark):
        bucket, prefix = shared
        raise CommandError(
            f"Nothing was changed. This site keeps files in {bucket} below {prefix}, where the"
            " live site kept its own when this copy of its database was made. Give this site a"
            " bucket or a prefix of its own."
        )
    return mark


def refuse_foreign_files(confirmed_fork: str | None = None) -> None:
    """Raise CommandError where files that no row names may still be those of the live site.

    They are, if a copy of the live database is older than the files, or a standby has fallen
    behind. The live site, whose database has its own mark, may delete what it does not name.
    """
    if is_standby():
        raise CommandError(
            "Nothing was deleted. This database is a standby (a follower), which may not have the"
            " rows of the newest files yet. Run this with the DATABASE_URL of its primary."
        )
    if conf.SITE_ENVIRONMENT != "production":
        refuse_live(confirmed_fork)
        return
    mark = read_mark()
    if mark and not connected_database().may_be(mark.database) and shared_location(mark):
        raise CommandError(
            "Nothing was deleted. This database is a copy of the one that production has marked,"
            " and the files may be those of the original. If this is the live site now, run"
            " manage.py mark_database first; if not, correct SITE_ENVIRONMENT."
        )


def shared_location(mark: Mark) -> tuple[str, str] | None:
    """Return a bucket and a prefix of this site's that are the mark's as well, if there is one."""
    for bucket, prefix in own_locations():
        for other_bucket, other in mark.locations:
            if bucket == other_bucket and (is_within(prefix, other) or is_within(other, prefix)):
                return bucket, prefix
    return None


def is_confirmed(typed: str | None) -> bool:
    """Return True if the typed address is that of the connection. Raises CommandError if not.

    With the address in it, a confirmation that stands in a nightly job is worth nothing against
    another database.
    """
    if not typed:
        return False
    parameters = connection.get_connection_params()
    address = f"{parameters.get('host') or ''}:{parameters.get('port') or 5432}"
    if typed != f"{connected_database().name}@{address}":
        raise CommandError(
            "Nothing was changed. --confirmed-fork does not name the database that this site is"
            " connected to."
        )
    return True


def add_fork_argument(parser) -> None:
    """Add --confirmed-fork, which all destructive commands have."""
    parser.add_argument(
        "--confirmed-fork",
        metavar="NAME@HOST:PORT",
        help="the database is a physical copy of the live one (a fork), see docs/staging.md",
    )
