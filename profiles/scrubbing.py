"""What a staging copy may keep: a written decision for every column of every table.

A staging site starts as a copy of the live database. Members who are not staff go, and so does
what hangs on them; staff keep accounts that they can log in with. A column that nobody has
decided about is no reason to guess: the scrub refuses until DECISIONS says what becomes of it.

No file is deleted. On the day of the copy the rows name files as live does, so that one wrong
variable would let a scrub delete live's; and 100,000 rows would be as many requests to S3. Rows
are therefore deleted by plain SQL, of which django-cleanup hears nothing. The files that no row
names any more are for sweep_media, which looks at whose bucket it is.
"""

from collections.abc import Iterator
from typing import NamedTuple

from django.apps import apps
from django.db import Error, connection, transaction
from django.db.models import Model, Q, QuerySet

EVERY_ROW = Q()
NO_ROW = Q(pk__in=[])


def of_departed(path: str) -> Q:
    """Rows whose `path` leads to a user that goes."""
    return Q(**{f"{path}__is_staff": False})


class Cleared(NamedTuple):
    value: object = None
    where: Q = EVERY_ROW


class Decision(NamedTuple):
    """What becomes of a table's rows, and of each column of the rows that stay."""

    rows_that_go: Q
    kept: str = ""  # names of fields
    cleared: dict[str, Cleared] = {}


# By model, the parent before what hangs on it: rows are deleted from the last line upwards.
DECISIONS = {
    "contenttypes.ContentType": Decision(NO_ROW, kept="id app_label model"),
    "auth.Permission": Decision(NO_ROW, kept="id name content_type codename"),
    "auth.Group": Decision(NO_ROW, kept="id name"),
    "auth.Group_permissions": Decision(NO_ROW, kept="id group permission"),
    "profiles.User": Decision(
        Q(is_staff=False),
        kept="id email password is_active is_staff is_superuser date_joined",
        cleared={"last_login": Cleared()},  # ends links to set a password too: they depend on it
    ),
    "profiles.User_groups": Decision(of_departed("user"), kept="id user group"),
    "profiles.User_user_permissions": Decision(of_departed("user"), kept="id user permission"),
    "profiles.Profile": Decision(
        of_departed("user"),
        kept="id user name headline bio visibility avatar resume created_at updated_at",
    ),
    "profiles.ResumeDownload": Decision(
        of_departed("profile__user"),
        kept="id profile opened_at",
        cleared={"member": Cleared(where=of_departed("member"))},
    ),
    "admin.LogEntry": Decision(
        of_departed("user"),
        kept="id action_time user content_type object_id action_flag",
        # Both name members, in words that may be those of years ago.
        cleared={"object_repr": Cleared(""), "change_message": Cleared("")},
    ),
    # allauth makes a staff member's address again from the account, at the next log-in.
    "account.EmailAddress": Decision(EVERY_ROW),
    "account.EmailConfirmation": Decision(EVERY_ROW),
    # Second factors are secrets of people's phones; staff set up others on staging.
    "mfa.Authenticator": Decision(EVERY_ROW),
    "sessions.Session": Decision(EVERY_ROW),
    "usersessions.UserSession": Decision(EVERY_ROW),
    "outbox.OutgoingMessage": Decision(EVERY_ROW),  # or staging would write to live's members
}

# Tables that belong to no model.
KEPT_TABLES = {"django_migrations"}
EMPTIED_TABLES = {"portal_cache"}  # the log-in throttle's keys are made of e-mail addresses


class ScrubRefused(Exception):
    """The database cannot be scrubbed as it is; nothing has been changed."""


class Change(NamedTuple):
    what: str  # a model, a column of a model, or a table
    deleted: int = 0  # rows
    cleared: int = 0  # rows


def reason_to_refuse(
    environment: str, database_host: str, shares_files_with_live: bool
) -> str | None:
    """Why this site must not be scrubbed, in one sentence; None if it may be."""
    if environment not in {"staging", "development"}:
        return f"This is a {environment} site: only a staging or development one may be scrubbed."
    if environment == "development" and not is_near(database_host):
        # development is also what a laptop is that says nothing, whatever database it is lent.
        return (
            "The database is on another machine and may be the live one. "
            "If it is a copy, say so with SITE_ENVIRONMENT=staging."
        )
    if shares_files_with_live:
        return (
            "This site's files are where LIVE_* says that live's are, so it may be the live site."
        )
    return None


def is_near(database_host: str) -> bool:
    """Whether a host is this machine, or beside it in a network of containers."""
    if database_host.startswith("/") or database_host in {"127.0.0.1", "::1"}:
        return True
    return not set(".:") & set(database_host)  # a name without dots, and no address of IPv6


def scrub(*, dry_run: bool = False) -> list[Change]:
    """Apply DECISIONS, all of them or none, and return what has changed.

    A dry run does the same and takes it back. Raises ScrubRefused.
    """
    problems = [*undecided_columns(), *undecided_tables()]
    if problems:
        raise ScrubRefused(
            "Nothing was changed. profiles/scrubbing.py does not say what becomes of "
            f"{', '.join(problems)}."
        )
    try:
        with transaction.atomic():
            changes = [*emptied_tables()]
            for label, decision in reversed(DECISIONS.items()):
                changes += scrubbed(apps.get_model(label), decision)
            transaction.set_rollback(dry_run)
    except Error as error:
        # The database's own words may quote a row.
        raise ScrubRefused(
            f"Nothing was changed, because the database refused ({type(error).__name__}). "
            "If the site is being used, put it into maintenance mode first."
        ) from error
    return changes


def scrubbed(model: type[Model], decision: Decision) -> Iterator[Change]:
    leaving = QuerySet(model).filter(decision.rows_that_go)
    refuse_danglers(model, leaving)
    yield Change(model._meta.label, deleted=leaving._raw_delete(using=connection.alias))
    for column, (value, where) in decision.cleared.items():
        full = QuerySet(model).filter(where).exclude(**{column: value})
        yield Change(f"{model._meta.label}.{column}", cleared=full.update(**{column: value}))


def refuse_danglers(model: type[Model], leaving: QuerySet) -> None:
    """Raise ScrubRefused if rows that stay point to rows that are about to leave."""
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and (relation.one_to_one or relation.one_to_many):
            pointer = relation.field
            if QuerySet(pointer.model).filter(**{f"{pointer.name}__in": leaving}).exists():
                raise ScrubRefused(
                    f"Nothing was changed: rows of {pointer.model._meta.label} would stay whose "
                    f"{pointer.name} is a row of {model._meta.label} that goes. "
                    "Decide about them in profiles/scrubbing.py."
                )


def emptied_tables() -> Iterator[Change]:
    present = EMPTIED_TABLES.intersection(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in sorted(present):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608
            yield Change(table, deleted=cursor.rowcount)


def undecided_columns() -> list[str]:
    """Columns without a decision, and decisions without a column, as app.Model.field."""
    present, decided = set(), set()
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        decision = DECISIONS.get(label)
        if not model._meta.proxy and (decision is None or decision.rows_that_go != EVERY_ROW):
            present |= {f"{label}.{field.name}" for field in model._meta.local_concrete_fields}
    for label, decision in DECISIONS.items():
        decided |= {f"{label}.{name}" for name in [*decision.kept.split(), *decision.cleared]}
        try:
            apps.get_model(label)
        except LookupError:
            decided.add(label)
    return sorted(present ^ decided)


def undecided_tables() -> list[str]:
    """Tables of the database that belong to no model and have no decision."""
    models = apps.get_models(include_auto_created=True)
    known = {model._meta.db_table for model in models} | KEPT_TABLES | EMPTIED_TABLES
    return sorted(set(connection.introspection.table_names()) - known)
