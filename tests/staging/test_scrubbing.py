"""The scrub engine: where it refuses, and that it changes everything or nothing."""

from dataclasses import replace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.management import CommandError
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from portal.staging.scrubbing import (
    NO_ROW,
    Change,
    Cleared,
    Decision,
    reason_to_refuse,
    scrubbed,
)
from portal.staging.undecided import undecided_columns
from profiles.models import ResumeDownload, User
from profiles.scrub_rules import RULES, of_departed
from tests.conftest import BUCKET, make_member, settings_for
from tests.support.deployed import ENVIRONMENT
from tests.support.rows import scrub_members, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def on_staging(settings):
    settings.SITE_ENVIRONMENT = "staging"


@pytest.fixture
def departed(staff):
    """A member with rows in several tables, who is deleted by the site's own rules."""
    departed = make_member("zuza@departed.example", last_login=timezone.now())
    ResumeDownload.objects.create(profile=departed.profile, member=staff)
    ResumeDownload.objects.create(profile=staff.profile, member=departed)
    Session.objects.create(session_key="key", expire_date=timezone.now())
    return departed


def use_rules(settings, monkeypatch, rules) -> None:
    """Have the command use these rules."""
    monkeypatch.setattr("tests.staging.test_scrubbing.RULES", rules)
    settings.SCRUB_RULES = "tests.staging.test_scrubbing.RULES"


def with_decision(label, decision):
    """The site's rules with one more decision, or another one."""
    return replace(RULES, decisions=RULES.decisions | {label: decision})


def live_storages(environment, bucket) -> dict:
    """LIVE_STORAGES of a site in this environment whose LIVE_* variables name this bucket."""
    keys = {"LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE", "LIVE_READ_ONLY_SECRET_KEY": "secret"}
    bucket_of_live = {"LIVE_STORAGE_BUCKET_NAME": bucket, "LIVE_S3_REGION_NAME": "eu-west-1"}
    return settings_for(environment | keys | bucket_of_live)["LIVE_STORAGES"]


def refused(reason):
    """A scrub that fails for this reason and has written nothing."""
    before = whole_database()
    with pytest.raises(CommandError, match=reason):
        scrub_members()
    assert whole_database() == before


def test_live_is_not_scrubbed(departed, settings, capsys):
    """B1; the same site, marked as staging, is the control.

    A warning that its database has no mark of production's is about those that may have one.
    """
    settings.SITE_ENVIRONMENT = "production"
    refused("This is a production site")

    settings.SITE_ENVIRONMENT = "staging"
    scrub_members()
    warned = "has no mark of production's" in capsys.readouterr().err
    assert warned == (connection.vendor == "postgresql")


def test_a_dyno_without_a_mark_is_not_scrubbed(departed, settings):
    """B1: on Heroku, a site that does not say what it is counts as live."""
    unmarked = ENVIRONMENT | {"DYNO": "run.1", "SITE_ENVIRONMENT": ""}
    settings.SITE_ENVIRONMENT = settings_for(unmarked)["SITE_ENVIRONMENT"]

    refused("This is a production site")


@pytest.mark.parametrize("host", ["ec2-1-2-3-4.compute.amazonaws.com", "10.0.0.7", "2001:db8::5"])
def test_a_laptop_without_a_mark_does_not_scrub_a_distant_database(departed, monkeypatch, host):
    """B1: with the live DATABASE_URL, for example. The database beside it is the control."""
    monkeypatch.setattr(connection, "get_connection_params", lambda: {"host": host})
    refused("on another machine")

    monkeypatch.undo()
    scrub_members()


def test_a_distant_database_is_scrubbed_once_marked(on_staging, departed, monkeypatch):
    monkeypatch.setattr(connection, "get_connection_params", lambda: {"host": "db.example.org"})

    scrub_members()


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "::1", "/run/postgresql", "db"])
def test_a_database_nearby_is_no_reason_to_refuse(host):
    assert reason_to_refuse("development", host, shares_files_with_live=False) is None


def test_a_site_with_the_files_of_the_live_site_is_not_scrubbed(
    on_s3, s3_environment, on_staging, staff, settings
):
    """B1: marked as staging, but its files are where LIVE_* names those of the live site."""
    settings.LIVE_STORAGES = live_storages(s3_environment, BUCKET)
    refused("may be the live site")

    settings.LIVE_STORAGES = live_storages(s3_environment, "portal-live")
    scrub_members()


def test_each_row_of_a_table_is_deleted_replaced_cleared_or_kept(django_assert_num_queries):
    """A table without rules is not read row by row: it may have a million."""
    for name in ("Gone", "Other", "Cleared", "Kept"):
        Group.objects.create(name=name)
    decision = Decision(
        Q(name="Gone"),
        kept="id",
        cleared={"name": Cleared("", Q(name="Cleared"))},
        replaced={"name": lambda row, column: f"{row.values[column]} {row.model.__name__}"},
        replaced_rows=Q(name__in=["Gone", "Other"]),
        unlike_live="name",
    )

    changes = list(scrubbed(Group, decision, RULES))

    assert set(Group.objects.values_list("name", flat=True)) == {"Other Group", "", "Kept"}
    assert changes == [
        Change("auth.Group.name", replaced=1),
        Change("auth.Group", deleted=1),
        Change("auth.Group.name", cleared=1),
    ]
    with django_assert_num_queries(0):
        assert list(scrubbed(Group, Decision(NO_ROW, kept="id name"), RULES)) == [
            Change("auth.Group")
        ]


FAIL_ON_ROW = {
    "sqlite": """
        CREATE TRIGGER fail_on_row BEFORE DELETE ON profiles_user WHEN OLD.id = {pk}
        BEGIN SELECT RAISE(ABORT, 'zuza@second.example'); END
    """,
    "postgresql": """
        CREATE FUNCTION fail_on_row() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.id = {pk} THEN RAISE EXCEPTION 'zuza@second.example'; END IF;
            RETURN OLD;
        END $$;
        CREATE TRIGGER fail_on_row BEFORE DELETE ON profiles_user
        FOR EACH ROW EXECUTE FUNCTION fail_on_row()
    """,
}


def test_a_failure_at_one_row_undoes_all(on_staging, departed):
    """B3: the last table, a row in the middle; what the database says is not repeated."""
    middle, _ = (make_member(f"{number}@example.org") for number in range(2))
    with connection.cursor() as cursor:
        cursor.execute(FAIL_ON_ROW[connection.vendor].format(pk=middle.pk))

    refused(r"Nothing was changed, because the database refused \(\w+(, \w+)?\)")


@pytest.fixture
def protected_model(transactional_db):
    """A model of somebody's who has added it since, with its table: votes of members."""
    attributes = {
        "__module__": "profiles.models",
        "voter": models.ForeignKey(User, on_delete=models.PROTECT),
        "words": models.TextField(),
    }
    vote = type("Vote", (models.Model,), attributes)
    with connection.schema_editor() as editor:
        editor.create_model(vote)
    yield vote
    with connection.schema_editor() as editor:
        editor.delete_model(vote)
    del apps.all_models["profiles"]["vote"]
    apps.clear_cache()


def test_a_protected_foreign_key_undoes_all(
    on_staging, protected_model, departed, settings, monkeypatch
):
    """B3: the refusal names the model. A decision that lets the rows go is the control."""
    protected_model.objects.create(voter=departed, words="Aye")
    keeping = with_decision("profiles.Vote", Decision(NO_ROW, kept="id voter words"))
    use_rules(settings, monkeypatch, keeping)
    refused("rows of profiles.Vote would stay whose voter is a row of profiles.User.* maintenance")

    deleting = with_decision("profiles.Vote", Decision(of_departed("voter"), kept="id voter words"))
    use_rules(settings, monkeypatch, deleting)
    scrub_members()

    assert not protected_model.objects.exists()


def test_a_model_without_a_decision_stops_the_scrub(on_staging, protected_model, departed):
    refused("does not say what becomes of profiles.Vote.id, profiles.Vote.voter, ")


def test_a_table_without_a_decision_stops_the_scrub(on_staging, departed):
    """Left behind by a model of former times, say."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE old_members (email varchar(100))")

    refused("what becomes of old_members")


def test_a_column_of_a_later_release_stops_the_scrub_unless_its_table_is_emptied(
    on_staging, departed
):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_outgoingmessage ADD COLUMN later varchar(100)")
        scrub_members()
        cursor.execute("ALTER TABLE profiles_profile ADD COLUMN later varchar(100)")

    refused("what becomes of profiles_profile.later")


def test_a_row_that_points_nowhere_at_the_end_undoes_all(
    on_staging, departed, settings, monkeypatch
):
    """B3: whatever has made it so, such as what is rebuilt last; the database would tell later."""

    def point_nowhere():
        ResumeDownload.objects.create(profile=departed.profile, member_id=999_999)

    use_rules(settings, monkeypatch, replace(RULES, rebuild=point_nowhere))

    refused(r"because the database refused \(IntegrityError(, ForeignKeyViolation)?\)")


@pytest.mark.parametrize(
    ("label", "kept", "problem"),
    [
        ("auth.Group", "id", "auth.Group.name"),
        ("auth.Group", "id name colour", "auth.Group.colour (no column of rows that stay)"),
        ("auth.Guild", "id", "auth.Guild (no such model)"),
    ],
    ids=["column without decision", "decision without column", "decision without model"],
)
def test_the_guard_of_decisions_sees(label, kept, problem):
    assert problem in undecided_columns(with_decision(label, Decision(NO_ROW, kept=kept)))


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (None, "Set SCRUB_RULES"),
        ("", "Set SCRUB_RULES"),
        ("RULES", "SCRUB_RULES: RULES doesn't look like a module path"),
        ("nowhere.RULES", "SCRUB_RULES: No module named 'nowhere'"),
        ("profiles.scrub_rules.RULE", 'does not define a "RULE"'),
        ("profiles.scrub_rules.DECISIONS", "which is not a ScrubRules"),
    ],
)
def test_a_setting_that_names_no_rules_is_refused(on_staging, departed, settings, path, problem):
    settings.SCRUB_RULES = path
    refused(problem)

    settings.SCRUB_RULES = "profiles.scrub_rules.RULES"
    scrub_members()


def test_the_rules_are_the_projects_own(on_staging, departed, settings, monkeypatch):
    """Here they keep all people, and still end all sessions."""
    keeping = {
        label: decision._replace(deleted_rows=NO_ROW)
        for label, decision in RULES.decisions.items()
        if decision.kept
    }
    rules = replace(RULES, decisions=RULES.decisions | keeping)
    use_rules(settings, monkeypatch, rules)

    scrub_members()

    assert User.objects.filter(pk=departed.pk).exists()
    assert not Session.objects.exists()
