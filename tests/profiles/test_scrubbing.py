"""scrub_members: what a staging copy keeps, and that nothing of a departed member stays."""

import io
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.urls import reverse
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles import scrubbing
from profiles.models import Profile, ResumeDownload, User
from profiles.scrubbing import Decision
from tests import samples
from tests.conftest import BUCKET, PASSWORD, make_member, settings_for
from tests.deployed import ENVIRONMENT

pytestmark = pytest.mark.django_db

# What only departed members have, in the rows below.
PERSONAL = {
    "e-mail": "zuzanna.wisniewska@departed.example",
    "second e-mail": "zuza@second.example",
    "name": "Zuzanna Wisniewska",
    "headline": "Keeper of lighthouses",
    "bio": "I was born in a storm",
    "address of the computer": "203.0.113.77",
    "browser": "Netscape/4.04 (Amiga)",
    "secret of the second factor": "JBSWY3DPEHPK3PXP",
}


@pytest.fixture
def on_staging(settings):
    settings.SITE_ENVIRONMENT = "staging"


@pytest.fixture
def cache_table(settings):
    """The table that the release phase makes for the log-in throttle."""
    name = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache"}
    settings.CACHES = {"default": name}
    call_command("createcachetable")
    return caches["default"]


@pytest.fixture
def departed(staff, cache_table):
    """A member, who is in every table where a member can be."""
    departed = make_member(PERSONAL["e-mail"], last_login=timezone.now())
    profile = departed.profile
    for field in ("name", "headline", "bio"):
        setattr(profile, field, PERSONAL[field])
    profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
    profile.resume = ContentFile(samples.pdf(), name="cv.pdf")
    profile.save()
    group, permission = Group.objects.create(name="Editors"), Permission.objects.first()
    group.permissions.add(permission)
    departed.groups.add(group)
    departed.user_permissions.add(permission)
    add_account_rows(departed, PERSONAL["second e-mail"])
    add_log_rows(staff, departed)
    ResumeDownload.objects.create(profile=profile, member=staff)
    ResumeDownload.objects.create(profile=staff.profile, member=departed)
    OutgoingMessage.objects.create(to=departed.email, subject=f"Dear {PERSONAL['name']}")
    cache_table.set(f"throttle:login:{departed.email}", [1, 2, 3])
    return departed


def add_account_rows(user, email):
    address = EmailAddress.objects.create(user=user, email=email, verified=False)
    EmailConfirmation.create(address).save()
    secret = {"secret": PERSONAL["secret of the second factor"]}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=secret)
    in_a_day = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key=f"key-of-{user.pk}", expire_date=in_a_day)
    UserSession.objects.create(
        user=user,
        session_key=f"key-of-{user.pk}",
        ip=PERSONAL["address of the computer"],
        user_agent=PERSONAL["browser"],
    )


def add_log_rows(staff, departed):
    for user in (staff, departed):
        LogEntry.objects.create(
            user=user,
            content_type=ContentType.objects.get_for_model(User),
            object_id=departed.pk,
            object_repr=departed.email,
            action_flag=CHANGE,
            change_message=f"Changed {departed.profile.name}",
        )


def scrub_members(**options) -> str:
    out = io.StringIO()
    call_command("scrub_members", stdout=out, **options)
    return out.getvalue()


def whole_database() -> str:
    """Every row of every table, whether or not it belongs to a model, as text."""
    lines = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            lines += [f"{table} {row}" for row in cursor.fetchall()]
    return "\n".join(lines)


def dumped_data() -> str:
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    return out.getvalue()


def live_storages(environment, bucket) -> dict:
    """LIVE_STORAGES of a site in this environment whose LIVE_* variables name this bucket."""
    keys = {"LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE", "LIVE_READ_ONLY_SECRET_KEY": "secret"}
    place = {"LIVE_STORAGE_BUCKET_NAME": bucket, "LIVE_S3_REGION_NAME": "eu-west-1"}
    return settings_for(environment | keys | place)["LIVE_STORAGES"]


def found_in(text, words) -> list[str]:
    return [what for what, word in words.items() if word.lower() in text.lower()]


def words_about(user) -> dict:
    files = {"avatar": user.profile.avatar.name, "resume": user.profile.resume.name}
    return PERSONAL | files | {"session": f"key-of-{user.pk}"}


@pytest.mark.parametrize("dump", [whole_database, dumped_data])
def test_nothing_of_a_departed_member_is_left(on_staging, departed, dump):
    """B2: the whole database as text; before the scrub, everything is in it: the control."""
    words = words_about(departed)
    assert found_in(dump(), words) == list(words)

    scrub_members()

    assert found_in(dump(), words) == []


def test_every_table_has_rows_to_look_at(departed):
    """Guards the test above: who adds a table adds a row about a departed member to it."""
    with connection.cursor() as cursor:
        empty = []
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")
            empty += [table] if cursor.fetchone() == (0,) else []

    assert empty == []


def test_staff_keep_their_accounts(on_staging, departed, staff, client):
    """B2: the address, the password, the profile, and the right to open the admin."""
    before = User.objects.values("email", "password", "is_superuser", "date_joined").get(
        pk=staff.pk
    )

    scrub_members()

    assert list(User.objects.values(*before)) == [before]
    assert staff.profile.name == Profile.objects.get().name
    client.post(reverse("account_login"), {"login": staff.email, "password": PASSWORD})
    assert client.get(reverse("me")).status_code == 200


def test_staff_lose_sessions_and_second_factors(on_staging, staff, client):
    """B2: who has a copy of the database must not have a way into anybody's account."""
    staff.last_login = timezone.now()
    staff.save()
    add_account_rows(staff, "staff@second.example")
    token = default_token_generator.make_token(staff)
    client.force_login(staff)
    assert client.get(reverse("me")).status_code == 200
    assert default_token_generator.check_token(staff, token)

    scrub_members()

    for model in (EmailAddress, EmailConfirmation, Authenticator, Session, UserSession):
        assert not model.objects.exists()
    assert client.get(reverse("me")).status_code == 302
    assert not default_token_generator.check_token(User.objects.get(), token)


def test_the_record_of_a_staff_members_resume_loses_its_readers(on_staging, departed, staff):
    """B2."""
    ResumeDownload.objects.create(profile=staff.profile, member=staff)

    scrub_members()

    kept = ResumeDownload.objects.order_by("pk").values_list("profile", "member")
    assert list(kept) == [(staff.profile.pk, None), (staff.profile.pk, staff.pk)]


def test_the_admins_log_loses_its_words(on_staging, departed, staff):
    """B2."""
    scrub_members()

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr, entry.change_message) == (staff, "", "")


def test_a_second_run_finds_nothing_to_do(on_staging, departed):
    """B2."""
    scrub_members()
    after_one = whole_database()

    report = scrub_members()

    assert whole_database() == after_one
    assert "profiles." not in report


def test_the_report_counts_and_names_nobody(on_staging, departed):
    report = scrub_members()

    lines = [line.split() for line in report.splitlines()]
    assert ["profiles.User", "1"] in lines
    assert ["profiles.ResumeDownload.member", "1"] in lines
    assert ["portal_cache", "1"] in lines
    assert found_in(report, words_about(departed)) == []


def test_a_dry_run_says_the_same_and_writes_nothing(on_staging, departed):
    before = whole_database()

    counted = scrub_members(dry_run=True)

    assert whole_database() == before
    assert counted.splitlines()[:-1] == scrub_members().splitlines()[:-1]


def test_files_are_left_alone(on_staging, departed, django_capture_on_commit_callbacks):
    """The names are live's; see profiles/scrubbing.py. That deleting a user deletes them is T3."""
    avatar = departed.profile.avatar

    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        scrub_members()

    assert callbacks == []
    assert avatar.storage.exists(avatar.name)


def refused(reason):
    """A scrub that fails for this reason and has written nothing."""
    before = whole_database()
    with pytest.raises(CommandError, match=reason):
        scrub_members()
    assert whole_database() == before


def test_live_is_not_scrubbed(departed, settings):
    """B1; the same site, marked as staging, is the control."""
    settings.SITE_ENVIRONMENT = "production"
    refused("This is a production site")

    settings.SITE_ENVIRONMENT = "staging"
    scrub_members()


def test_a_dyno_without_a_mark_is_not_scrubbed(departed, settings):
    """B1: on Heroku, a site that does not say what it is counts as live."""
    unmarked = ENVIRONMENT | {"DYNO": "run.1", "SITE_ENVIRONMENT": ""}
    settings.SITE_ENVIRONMENT = settings_for(unmarked)["SITE_ENVIRONMENT"]

    refused("This is a production site")


@pytest.mark.parametrize("host", ["ec2-1-2-3-4.compute.amazonaws.com", "10.0.0.7", "2001:db8::5"])
def test_a_laptop_without_a_mark_does_not_scrub_a_distant_database(departed, monkeypatch, host):
    """B1: with live's DATABASE_URL lent to it, say. The database beside it is the control."""
    monkeypatch.setattr(connection, "get_connection_params", lambda: {"host": host})
    refused("on another machine")

    monkeypatch.undo()
    scrub_members()


def test_a_distant_database_is_scrubbed_once_marked(on_staging, departed, monkeypatch):
    monkeypatch.setattr(connection, "get_connection_params", lambda: {"host": "db.example.org"})

    scrub_members()


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "::1", "/run/postgresql", "db"])
def test_a_database_nearby_is_no_reason_to_refuse(host):
    assert scrubbing.reason_to_refuse("development", host, shares_files_with_live=False) is None


def test_a_site_with_lives_files_is_not_scrubbed(
    on_s3, s3_environment, on_staging, staff, settings
):
    """B1: marked as staging, but its files are where LIVE_* says that live's are."""
    settings.LIVE_STORAGES = live_storages(s3_environment, BUCKET)
    refused("may be the live site")

    settings.LIVE_STORAGES = live_storages(s3_environment, "portal-live")
    scrub_members()


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

    refused(r"Nothing was changed, because the database refused \(\w+\)")


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


def decide(monkeypatch, label, decision):
    monkeypatch.setattr(scrubbing, "DECISIONS", scrubbing.DECISIONS | {label: decision})


def test_a_protected_foreign_key_undoes_all(on_staging, protected_model, departed, monkeypatch):
    """B3: the refusal names the model. A decision that lets the rows go is the control."""
    protected_model.objects.create(voter=departed, words="Aye")
    decide(monkeypatch, "profiles.Vote", Decision(scrubbing.NO_ROW, kept="id voter words"))
    refused("rows of profiles.Vote would stay whose voter is a row of profiles.User")

    going = scrubbing.of_departed("voter")
    decide(monkeypatch, "profiles.Vote", Decision(going, kept="id voter words"))
    scrub_members()

    assert not protected_model.objects.exists()


def test_a_model_without_a_decision_stops_the_scrub(on_staging, protected_model, departed):
    refused("does not say what becomes of profiles.Vote.id, profiles.Vote.voter, ")


def test_a_table_without_a_decision_stops_the_scrub(on_staging, departed):
    """Left behind by a model of former times, say."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE old_members (email varchar(100))")

    refused("what becomes of old_members")


def test_every_column_has_a_decision():
    assert scrubbing.undecided_columns() == []


@pytest.mark.parametrize(
    ("label", "kept", "problem"),
    [
        ("auth.Group", "id", "auth.Group.name"),
        ("auth.Group", "id name colour", "auth.Group.colour"),
        ("auth.Guild", "id", "auth.Guild"),
    ],
    ids=["column without decision", "decision without column", "decision without model"],
)
def test_the_guard_of_decisions_sees(monkeypatch, label, kept, problem):
    decide(monkeypatch, label, Decision(scrubbing.NO_ROW, kept=kept))

    assert problem in scrubbing.undecided_columns()
