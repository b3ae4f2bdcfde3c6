"""The lines that scrub_members prints where decisions are missing, to be pasted."""

from dataclasses import replace

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection, models
from django.test.utils import isolate_apps

from portal.staging.management.commands.scrub_members import drawn_line
from portal.staging.placeholders import Stored
from portal.staging.scrubbing import NO_ROW, Decision
from portal.staging.suggestions import parents_first
from profiles.scrub_rules import RULES as OF_SITE
from tests.support.rows import scrub_members

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

RULES = OF_SITE  # or what a test puts in their place
WITHOUT = {"auth.Permission", "contenttypes.ContentType", "auth.Group", "auth.Group_permissions"}


@pytest.fixture
def use(settings, monkeypatch):
    """A function that has the command use the site's rules with other decisions."""
    settings.SITE_ENVIRONMENT = "staging"
    settings.SCRUB_RULES = "tests.staging.test_suggestions.RULES"

    def use(decisions):
        rules = replace(OF_SITE, decisions=decisions)
        monkeypatch.setattr("tests.staging.test_suggestions.RULES", rules)

    return use


def suggested() -> list[str]:
    """The lines below the sentence that tells what to do with them."""
    with pytest.raises(CommandError, match="Lines to paste, with") as refused:
        scrub_members()
    return [line.strip() for line in str(refused.value).splitlines()[2:]]


def test_missing_tables_and_columns_are_printed_as_lines_to_paste(use):
    """A table before those that point to it, as the rules have them."""
    decisions = {label: each for label, each in OF_SITE.decisions.items() if label not in WITHOUT}
    decisions["sessions.Session"] = Decision(NO_ROW, kept="session_key")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE old_members (email varchar(100))")
    use(decisions)

    lines = suggested()

    assert sorted(lines) == sorted(
        [
            '"contenttypes.ContentType": Decision(..., kept="id app_label model"),',
            '"auth.Permission": Decision(..., kept="id name content_type codename"),',
            '"auth.Group": Decision(..., kept="id name"),',
            '"auth.Group_permissions": Decision(..., kept="id group permission"),',
            '# "sessions.Session" has a decision; add to it: kept="session_data expire_date"',
            'emptied_tables=frozenset({"old_members"}),  # or kept_tables',
        ]
    )
    labels = [line.split('"')[1] for line in lines]
    for parent, child in (
        ("contenttypes.ContentType", "auth.Permission"),
        ("auth.Permission", "auth.Group_permissions"),
        ("auth.Group", "auth.Group_permissions"),
    ):
        assert labels.index(parent) < labels.index(child)


def test_a_line_that_was_pasted_decides_nothing(use):
    pasted = {"auth.Group": Decision(..., kept="id name")}
    use(OF_SITE.decisions | pasted)

    with pytest.raises(CommandError, match=r"\.\.\. in the place of the rows of auth\.Group that"):
        scrub_members()

    use(OF_SITE.decisions)
    scrub_members()


def test_a_decision_without_a_column_has_no_line(use):
    group = OF_SITE.decisions["auth.Group"]
    use(OF_SITE.decisions | {"auth.Group": group._replace(kept=f"{group.kept} colour")})

    with pytest.raises(
        CommandError,
        match=r"what becomes of auth\.Group\.colour \(no column of rows that stay\)\.$",
    ):
        scrub_members()


def test_nothing_is_said_of_drawn_files_where_no_rule_is_a_placeholder():
    """The site's own rules, which draw photos and resumes, are the control."""
    without = replace(OF_SITE, decisions={"auth.Group": OF_SITE.decisions["auth.Group"]})

    assert drawn_line(without, Stored()) == "No rule is a Placeholder, so no file is drawn."
    assert drawn_line(OF_SITE, Stored(2, 1)).startswith("2 files of replaced members were drawn")


@isolate_apps("profiles")
def test_models_that_point_to_one_another_or_to_themselves_have_an_order(monkeypatch):
    """None is before all that it points to, so it is that of the list; a proxy is no table."""

    class Labelled:
        app_label = "profiles"

    class Chapter(models.Model):  # noqa: DJ008 - nobody is shown it
        Meta = Labelled
        book = models.ForeignKey("Book", on_delete=models.CASCADE)
        former = models.ForeignKey("self", on_delete=models.CASCADE)

    class Book(models.Model):  # noqa: DJ008
        Meta = Labelled
        first = models.ForeignKey(Chapter, on_delete=models.CASCADE)
        owner = models.ForeignKey("Owner", on_delete=models.CASCADE)

    class Owner(models.Model):  # noqa: DJ008
        Meta = Labelled

    class Reader(Owner):  # noqa: DJ008
        class Meta(Labelled):
            proxy = True

    every = [Chapter, Reader, Book, Owner]
    monkeypatch.setattr(apps, "get_models", lambda **options: every)

    assert parents_first() == [Owner, Book, Chapter]
