"""B4: random people, a mark in each column and file of theirs, a refresh, and a search for marks.

`make canaries` does it with 200 data sets; a run of the tests has a few, each time others.
"""

import io
import os
from dataclasses import replace
from random import Random

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Q
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.files.references import file_fields
from portal.staging.scrubbing import NO_ROW, ScrubRules
from profiles.models import Profile, User
from profiles.scrub_rules import RULES
from tests.support.canaries import Garden
from tests.support.rows import scrub_members, whole_database

pytestmark = pytest.mark.django_db

STAFF = {"is_staff": True, "is_superuser": False, "is_active": True, "use_for_tests": False}
MEMBER = STAFF | {"is_staff": False}
SESSION = "session_key session_data expire_date"
DATA_SETS = int(os.environ.get("CANARIES", "5"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@pytest.fixture
def two_sites(settings, tmp_path):
    """The live site has its files in one folder, and staging in another."""
    settings.SITE_ENVIRONMENT = "staging"
    settings.AVATAR_PIXELS = 64  # drawn quickly
    settings.LIVE_STORAGES = {
        alias: settings.STORAGES[alias] | {"OPTIONS": {"location": str(tmp_path / "live" / folder)}}
        for alias, folder in (("default", "media"), ("protected", "protected"))
    }
    return tmp_path


def roles(draw) -> list[dict]:
    """Return what the test decides about each person; at least one is of the staff."""
    more = draw(st.lists(st.sampled_from(["member", "consenting", "staff"]), max_size=4))
    kinds = ["staff", "member", *more]
    of_kind = {"staff": STAFF, "member": MEMBER, "consenting": MEMBER | {"use_for_tests": True}}
    return [of_kind[kind] | {"is_active": draw(st.booleans())} for kind in kinds]


def planted(draw, folder) -> Garden:
    texts = draw(st.lists(TEXTS, min_size=1, max_size=4))
    staging = settings.MEDIA_ROOT
    garden = Garden(Random(draw(st.integers(0, 2**32))), texts, folder / "live", staging)
    garden.plant(roles(draw))
    return garden


def refresh(*arguments) -> None:
    call_command("refresh_staging", *arguments, stdout=io.StringIO(), stderr=io.StringIO())


@hypothesis_settings(
    max_examples=DATA_SETS,
    deadline=None,
    derandomize=False,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller example takes minutes to find
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_nothing_of_a_member_is_found_after_a_refresh(two_sites, data):
    with transaction.atomic():
        garden = planted(data.draw, two_sites)
        staff = set(User.objects.filter(is_staff=True).values_list("pk", flat=True))
        planted_in = {mark.where for mark in garden.marks}
        assert planted_in - set(garden.found(set())) == set()  # the control
        keep, is_kept = data.draw(st.integers(0, 5)), data.draw(st.booleans())
        agreed = Profile.objects.filter(use_for_tests=True).values_list("user", flat=True)
        unchanged = staff | set(agreed) if is_kept else staff
        choice = ["--keep", str(keep), *(["--keep-consenting"] if is_kept else [])]

        refresh(*choice, "--seed", str(data.draw(st.integers(0, 9))), "--sweep", "--most")

        assert garden.found(unchanged) == []
        assert is_whole(unchanged, keep)
        after_one = whole_database()
        scrub_members(keep=keep, keep_consenting=is_kept)
        assert whole_database() == after_one
        transaction.set_rollback(True)
    for path in [*garden.files(), *garden.live_folder.rglob("*.bin")]:
        path.unlink()


def lax(label: str, **changes) -> ScrubRules:
    """The site's rules with one decision changed."""
    decision = RULES.decisions[label]._replace(**changes)
    return replace(RULES, decisions=RULES.decisions | {label: decision})


profile = RULES.decisions["profiles.Profile"]
LAX = {
    "a column is kept": lax(
        "profiles.Profile",
        kept=f"{profile.kept} bio",
        replaced={name: rule for name, rule in profile.replaced.items() if name != "bio"},
    ),
    "nobody is replaced": lax("profiles.Profile", replaced_rows=Q(pk__isnull=True)),
    "sessions stay": lax("sessions.Session", deleted_rows=NO_ROW, kept=SESSION),
    "the search is not rebuilt": replace(RULES, rebuild=None),
}


@pytest.mark.parametrize("rules", LAX.values(), ids=LAX)
def test_what_a_rule_forgets_is_found(two_sites, settings, monkeypatch, rules):
    """The control of the search for marks."""
    garden = Garden(Random(1), ["Text"], two_sites / "live", settings.MEDIA_ROOT)
    garden.plant([STAFF, MEMBER])
    monkeypatch.setattr(f"{__name__}.RULES", rules)
    settings.SCRUB_RULES = f"{__name__}.RULES"

    scrub_members(keep=1)

    assert garden.found({garden.people[0].pk})


def is_whole(unchanged, keep) -> bool:
    """Return True if rows point to rows, and names to files, and everybody who stays is there."""
    connection.check_constraints()
    for model, field in file_fields():
        named = model._base_manager.exclude(**{field.name: ""})
        for name in named.values_list(field.name, flat=True):
            with field.storage.open(name) as file:
                assert file.read()
    there = set(User.objects.values_list("pk", flat=True))
    assert unchanged <= there
    return len(there - unchanged) <= keep


@given(st.data())
@hypothesis_settings(
    max_examples=1, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_column_that_the_code_does_not_know_is_refused(two_sites, data):
    """The release of the live site is ahead: nothing is scrubbed, and the column is named."""
    with transaction.atomic():
        planted(data.draw, two_sites)
        connection.check_constraints()  # PostgreSQL alters no table while some are deferred
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE profiles_profile ADD COLUMN telephone varchar(100)")
            cursor.execute("UPDATE profiles_profile SET telephone = '+44 1632 960000'")
        before = whole_database()

        with pytest.raises(CommandError, match=r"profiles_profile\.telephone"):
            refresh("--keep", "2")

        assert whole_database() == before
        transaction.set_rollback(True)
