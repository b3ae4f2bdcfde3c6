"""Decisions that are there, and that nobody can have meant: nothing is changed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection
from django.db.models import Q

from portal.staging.scrubbing import NO_ROW, Cleared, Decision
from profiles.models import Profile, ResumeDownload, User
from profiles.scrub_rules import RULES as OF_SITE
from profiles.scrub_rules import of_departed
from tests.conftest import make_member
from tests.support.rows import scrub_members, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

RULES = OF_SITE
USER = OF_SITE.decisions["profiles.User"]


@pytest.fixture
def use(settings, monkeypatch):
    """Have the command use these rules."""

    def use(rules):
        monkeypatch.setattr("tests.staging.test_misstatements.RULES", rules)

    settings.SITE_ENVIRONMENT = "staging"
    settings.SCRUB_RULES = "tests.staging.test_misstatements.RULES"
    return use


def changed(label, **changes):
    """The site's rules with another decision about one model."""
    decision = OF_SITE.decisions[label]._replace(**changes)
    return replace(OF_SITE, decisions=OF_SITE.decisions | {label: decision})


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (
            changed("profiles.Profile", replaced_rows=NO_ROW),
            "has rules in replaced, but no replaced_rows, for profiles.Profile: all values would",
        ),
        (
            replace(OF_SITE, people=replace(OF_SITE.people, model="profiles.Usr")),
            "profiles/scrub_rules.py has profiles.Usr in people, and there is no such model.",
        ),
        (
            replace(OF_SITE, people=replace(OF_SITE.people, model="auth.User")),
            "profiles/scrub_rules.py has auth.User in people, and there is no such model.",
        ),
        (
            changed("profiles.Profile", deleted_rows=of_departed("usr")),
            "profiles/scrub_rules.py, profiles.Profile: Cannot resolve keyword 'usr' into field.",
        ),
        (
            changed("profiles.User", cleared=USER.cleared | {"language": Cleared()}),
            ") what profiles/scrub_rules.py says about profiles.User. If the site",
        ),
    ],
    ids=["no rows", "no people", "another user model", "no such path", "not null"],
)
def test_a_decision_that_cannot_be_meant_is_refused_by_its_name(use, staff, rules, reason):
    make_member("zuza@departed.example")
    before = whole_database()
    use(rules)

    with pytest.raises(CommandError) as refused:
        scrub_members()

    assert reason in str(refused.value)
    assert str(refused.value).startswith("Nothing was changed")
    assert whole_database() == before


def test_values_replaced_in_some_rows_or_in_all_are_no_mistake(use, staff):
    use(changed("profiles.Profile", replaced_rows=Q(pk__isnull=True)))

    scrub_members()


def elsewhere(model, **hints):
    """Answer for a router that keeps who opened a resume in a database of its own."""
    return "other" if model is ResumeDownload else None


READ = SimpleNamespace(db_for_read=elsewhere)
WRITTEN = SimpleNamespace(db_for_write=elsewhere)


@pytest.mark.parametrize("router", [READ, WRITTEN], ids=["read", "written"])
def test_rows_in_another_database_are_not_passed_over(use, staff, settings, router):
    """A dry run could not undo what is written there; the same rules without a router pass."""
    use(OF_SITE)
    scrub_members()
    settings.DATABASE_ROUTERS = [router]

    with pytest.raises(CommandError) as refused:
        scrub_members()

    assert str(refused.value).endswith(
        'keeps the rows of profiles.ResumeDownload in another database, and only "default" is'
        " scrubbed: all of them would stay. Where they may, name these models in elsewhere, in"
        " profiles/scrub_rules.py."
    )


def without_openings(**changes):
    """The site's rules where who opened a resume is in another database."""
    label, decisions = "profiles.ResumeDownload", dict(OF_SITE.decisions)
    del decisions[label]
    return replace(OF_SITE, decisions=decisions, elsewhere=frozenset({label}), **changes)


TABLES = OF_SITE.kept_tables | {"profiles_resumedownload"}


def test_rows_that_may_stay_in_another_database_are_left_alone(use, staff, settings):
    """No such database is configured here, so whatever asked for one of these rows would fail."""
    make_member("zuza@departed.example")
    use(without_openings(kept_tables=TABLES))
    settings.DATABASE_ROUTERS = [SimpleNamespace(db_for_read=elsewhere, db_for_write=elsewhere)]

    scrub_members()

    assert [user.email for user in User.objects.all()] == [staff.email]


def test_a_table_here_of_a_model_elsewhere_needs_a_decision(use, staff, settings):
    """Rows may have stayed behind when the model moved."""
    use(without_openings())
    settings.DATABASE_ROUTERS = [SimpleNamespace(db_for_read=elsewhere, db_for_write=elsewhere)]

    with pytest.raises(CommandError, match=r"what becomes of profiles_resumedownload\.\n"):
        scrub_members()


@pytest.mark.parametrize(
    ("routers", "rules"),
    [
        ([], without_openings(kept_tables=TABLES)),
        ([READ], without_openings(kept_tables=TABLES)),
        ([WRITTEN], without_openings(kept_tables=TABLES)),
        ([], replace(OF_SITE, elsewhere=frozenset({"profiles.Download"}))),
    ],
    ids=["here", "written here", "read here", "no such model"],
)
def test_only_rows_in_another_database_can_be_called_so(use, staff, settings, routers, rules):
    settings.DATABASE_ROUTERS = routers
    use(rules)

    with pytest.raises(CommandError) as refused:
        scrub_members()

    assert str(refused.value) == (
        f"Nothing was changed. profiles/scrub_rules.py has {', '.join(rules.elsewhere)} in"
        " elsewhere, and no router keeps such rows in another database."
    )


@pytest.fixture
def fellows(transactional_db):
    """A model whose rows add columns to those of profiles, with its table."""
    fellow = type("Fellow", (Profile,), {"__module__": "profiles.models"})
    with connection.schema_editor() as editor:
        editor.create_model(fellow)
    yield fellow
    with connection.schema_editor() as editor:
        editor.delete_model(fellow)
    del apps.all_models["profiles"]["fellow"]
    apps.clear_cache()


def test_rows_of_a_child_model_may_go_before_those_that_point_to_its_parent(use, staff, fellows):
    """They point to the parent's row, which goes after them."""
    departed = make_member("zuza@departed.example")
    ResumeDownload.objects.create(profile=departed.profile, member=staff)
    child = fellows(profile_ptr=departed.profile)
    child.save_base(raw=True)
    decision = Decision(of_departed("profile_ptr__user"), kept="profile_ptr")
    use(replace(OF_SITE, decisions=OF_SITE.decisions | {"profiles.Fellow": decision}))

    scrub_members()

    assert not fellows.objects.exists()
    assert not Profile.objects.filter(pk=departed.profile.pk).exists()
