"""Each reason for which nothing is scrubbed, and what counts as a decision."""

from dataclasses import replace

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import DatabaseError, connection
from django.db.models import Q

from portal.copying.stores import FileInfo
from portal.staging import placeholders, scrubbing
from portal.staging.chance import Row
from portal.staging.placeholders import Placeholder, digest, missing
from portal.staging.scrubbing import (
    EVERY_ROW,
    NO_ROW,
    Cleared,
    Decision,
    ScrubRefused,
    is_near,
    reason_to_refuse,
    scrub,
)
from portal.staging.undecided import (
    columns_without_field,
    tables_out_of_sight,
    undecided_columns,
    undecided_tables,
)
from profiles.models import Profile
from profiles.scrub_rules import RULES
from tests.conftest import make_member
from tests.staging.test_scrubbing import with_decision
from tests.support.rows import scrub_members, whole_database

DISTANT = "db.example.org"
ANOTHER_MACHINE = (
    "The database is on another machine and may be the live one. If it is a copy, say so with"
    " SITE_ENVIRONMENT=staging."
)
SHARES = (
    "This site's files are where the LIVE_ variables say that the live site's files are, so this"
    " may be the live site."
)
REFUSED_BY_THE_DATABASE = (
    "Nothing was changed, because the database refused (DatabaseError). If the site is in use, put"
    " it into maintenance mode first."
)
LIKE_LIVE = (
    "Nothing was changed. A value invented for profiles.User.email is one that somebody has on"
    " live. It is made from this site's SECRET_KEY: with another one, it is another."
)


@pytest.mark.parametrize(
    ("environment", "host", "shares", "reason"),
    [
        ("staging", DISTANT, False, None),
        ("staging", "", False, None),
        ("development", "", False, None),
        ("development", DISTANT, False, ANOTHER_MACHINE),
        ("development", DISTANT, True, ANOTHER_MACHINE),
        ("development", "", True, SHARES),
        ("staging", DISTANT, True, SHARES),
        (
            "production",
            "",
            False,
            "This is a production site: only a staging or development one may be scrubbed.",
        ),
        ("", "", False, "This is a  site: only a staging or development one may be scrubbed."),
    ],
)
def test_a_site_is_scrubbed_unless_there_is_a_reason(environment, host, shares, reason):
    """B1."""
    assert reason_to_refuse(environment, host, shares) == reason


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("/run/postgresql", True), ("/tmp.d/x", True), ("127.0.0.1", True), ("::1", True),
        ("db", True), ("", True), ("localhost", True), ("127.0.0.2", False), ("::2", False),
        ("db.local", False), ("fe80::1", False), ("10.0.0.7", False),
    ],
)  # fmt: skip
def test_a_database_is_near_on_this_machine_or_by_a_name_of_containers(host, near):
    assert is_near(host) == near


PROFILE = RULES.decisions["profiles.Profile"]
NONE = "(no column of rows that stay)"


@pytest.mark.parametrize(
    ("decision", "problems"),
    [
        (PROFILE, []),
        (PROFILE._replace(kept=f"{PROFILE.kept} bio"), ["profiles.Profile.bio (kept or not)"]),
        (
            PROFILE._replace(kept=f"{PROFILE.kept} staff_note"),
            ["profiles.Profile.staff_note (kept or not)"],
        ),
        (
            PROFILE._replace(kept=f"{PROFILE.kept} sort_key"),
            ["profiles.Profile.sort_key (kept or not)"],
        ),
        (PROFILE._replace(rebuilt=""), ["profiles.Profile.sort_key"]),
        (PROFILE._replace(rebuilt="sort_key sort"), [f"profiles.Profile.sort {NONE}"]),
        (
            PROFILE._replace(cleared=PROFILE.cleared | {"nick": Cleared("")}),
            [f"profiles.Profile.nick {NONE}"],
        ),
        (
            PROFILE._replace(replaced={**PROFILE.replaced, "nick": str}),
            [f"profiles.Profile.nick {NONE}"],
        ),
        (
            PROFILE._replace(
                deleted_rows=EVERY_ROW, kept="id", cleared={}, replaced={}, rebuilt=""
            ),
            [f"profiles.Profile.id {NONE}"],
        ),
        (Decision(EVERY_ROW), []),
        (Decision(Q(pk__gt=0), kept="id"), None),
        (Decision(NO_ROW), None),
    ],
)
def test_each_column_of_rows_that_stay_has_one_decision(decision, problems):
    """Of a table whose rows are all deleted, no column needs one."""
    found = undecided_columns(with_decision("profiles.Profile", decision))

    if problems is None:
        decided = {*decision.kept.split()}
        columns = {field.name for field in Profile._meta.local_concrete_fields}
        problems = sorted(f"profiles.Profile.{name}" for name in columns - decided)
    assert found == problems


def test_a_decision_about_a_model_that_is_none_is_told():
    rules = with_decision("profiles.Nobody", Decision(NO_ROW, kept="id name"))

    assert undecided_columns(rules) == ["profiles.Nobody (no such model)"]


def test_a_model_without_a_decision_is_told_with_its_columns():
    decisions = {
        label: each for label, each in RULES.decisions.items() if label != "auth.Group_permissions"
    }

    assert undecided_columns(replace(RULES, decisions=decisions)) == [
        f"auth.Group_permissions.{name}" for name in ("group", "id", "permission")
    ]


@pytest.mark.django_db
def test_a_proxy_of_a_model_has_the_decisions_of_the_model():
    meta = type("Meta", (), {"proxy": True, "app_label": "profiles"})
    type("Reader", (Profile,), {"__module__": Profile.__module__, "Meta": meta})
    try:
        assert undecided_columns(RULES) == []
        assert columns_without_field(RULES) == []
    finally:
        del apps.all_models["profiles"]["reader"]
        apps.clear_cache()


@pytest.mark.django_db
def test_the_statistics_are_renewed_by_a_scrub_and_not_by_its_trial(staff, monkeypatch, settings):
    """PostgreSQL's hold values of rows that are deleted; a trial deletes none."""
    settings.SITE_ENVIRONMENT, renewed = "staging", []
    monkeypatch.setattr(scrubbing, "renew_statistics", lambda: renewed.append(1))

    scrub_members(dry_run=True)
    assert renewed == []

    scrub_members()
    assert renewed == [1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            DatabaseError("zuza@example.org"),
            REFUSED_BY_THE_DATABASE,
        ),
        (
            scrubbing.LikeLive("profiles.User.email"),
            LIKE_LIVE,
        ),
    ],
)
def test_a_refusal_says_what_to_do_and_quotes_no_row(staff, monkeypatch, error, words):
    """B3."""

    def fail(rules):
        make_member("zuza@example.org")
        raise error

    monkeypatch.setattr(scrubbing, "apply", fail)
    before = whole_database()

    with pytest.raises(ScrubRefused) as refused:
        scrub(RULES)

    assert str(refused.value) == words
    assert refused.value.__cause__ is error
    assert whole_database() == before


@pytest.mark.django_db
def test_all_that_has_no_decision_is_named_at_once(staff, settings):
    settings.SITE_ENVIRONMENT = "staging"
    connection.check_constraints()  # PostgreSQL alters no table whose checks are still to come
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE old_members (email varchar(100))")
        cursor.execute("ALTER TABLE profiles_profile ADD COLUMN later varchar(100)")
        cursor.execute("ALTER TABLE auth_group ADD COLUMN colour varchar(100)")
        cursor.execute("ALTER TABLE profiles_user_groups ADD COLUMN since varchar(100)")

    with pytest.raises(CommandError) as refused:
        scrub_members()

    assert str(refused.value).splitlines()[0] == (
        "Nothing was changed. profiles/scrub_rules.py does not say what becomes of"
        " auth_group.colour, profiles_profile.later, profiles_user_groups.since, old_members."
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("made", "name"),
    [
        ("CREATE SCHEMA old; CREATE TABLE old.members AS TABLE profiles_user", "old.members"),
        ("CREATE MATERIALIZED VIEW people AS SELECT email FROM profiles_user", "people"),
    ],
)
def test_what_the_scrub_does_not_reach_is_named(staff, settings, monkeypatch, made, name):
    """It would keep the rows of live. The control: the rules say that it may."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    settings.SITE_ENVIRONMENT = "staging"
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(made)

    with pytest.raises(CommandError, match=f"does not reach {name}, .* Drop it .* kept_tables"):
        scrub_members()

    assert tables_out_of_sight(replace(RULES, kept_tables=RULES.kept_tables | {name})) == []


def test_tables_of_the_site_s_own_need_no_decision(monkeypatch):
    """The mark of production, and what the rules name."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    known = [*tables, "django_migrations", "portal_cache", "portal_identity"]
    monkeypatch.setattr(
        connection.introspection, "table_names", lambda *_: [*known, "old", "older"]
    )

    assert undecided_tables(RULES) == ["old", "older"]


BODY = b"drawn"


@pytest.mark.parametrize(
    ("found", "is_fixed", "is_drawn"),
    [
        (None, False, True),
        (None, True, True),
        (FileInfo(1, 0.0, "x"), True, False),
        (FileInfo(5, 0.0, digest(BODY)), False, False),
        (FileInfo(5, 0.0, ""), False, False),
        (FileInfo(5, 0.0, f"{digest(BODY)}-2"), False, False),
        (FileInfo(6, 0.0, digest(BODY)), False, True),
        (FileInfo(5, 0.0, digest(b"other")), False, True),
    ],
)
def test_a_placeholder_is_drawn_unless_it_is_there(found, is_fixed, is_drawn):
    """One that depends on its row's key alone is not even drawn to be compared."""
    drawn = []
    rule = Placeholder("f", ".x", lambda row: drawn.append(row) or BODY, is_fixed)

    body = missing(rule, Row(Profile, {"id": 1}), found)

    assert body == (BODY if is_drawn else None)
    assert bool(drawn) == (is_drawn or not is_fixed)


def test_a_placeholder_is_written_with_its_size_and_digest_and_not_on_trial():
    written = []

    class Target:
        def write(self, name, content):
            written.append((name, content.info.size, content.info.etag, b"".join(content.chunks)))

    placeholders.write(Target(), "a.webp", BODY, dry_run=True)
    assert written == []

    placeholders.write(Target(), "a.webp", BODY, dry_run=False)
    assert written == [("a.webp", 5, digest(BODY), BODY)]
    assert digest(b"") == "d41d8cd98f00b204e9800998ecf8427e"
