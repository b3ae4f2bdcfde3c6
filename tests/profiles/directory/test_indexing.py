"""What the search reads stays true to what the profiles say, and a command mends what does not."""

import io
import re
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction

from profiles.directory import indexing
from profiles.directory.indexing import Texts, texts_of
from profiles.directory.models import (
    DirectoryEntry,
    ProfileTag,
    ProfileWord,
    ResumeText,
    WordDeletion,
    unread,
)
from profiles.directory.postgresql import TrigramIndex, Trigrams, WordsIndex
from profiles.models import Profile, User
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def found(client, text):
    page = client.get("/members/", {"q": text}).context
    return [] if page["found"].is_near else [profile.name for profile in page["page"]]


def run(*args) -> str:
    output = io.StringIO()
    call_command("index_profiles", *args, stdout=output)
    return output.getvalue()


@pytest.fixture
def reader(client, staff):
    client.force_login(staff)
    return client


@pytest.mark.parametrize("field", ["name", "headline", "bio", "place", "skills"])
@pytest.mark.parametrize("update_fields", [None, "its own"])
def test_a_saved_field_is_found_at_once_and_what_it_was_before_is_not(
    reader, member, field, update_fields
):
    for text in ["Dendrochronology", "Seismography"]:
        profile = Profile.objects.get(user=member)
        setattr(profile, field, text)
        profile.save(update_fields=update_fields and [field])

    assert len(found(reader, "seismography")) == 1
    assert found(reader, "dendrochronology") == []
    assert not ProfileWord.objects.filter(word="dendrochronology").exists()


def test_a_profile_that_is_saved_costs_no_other_one_a_look(member, other_member):
    Profile.objects.filter(user=other_member).update(name="Written past save()")

    member.profile.name = "Ada King"
    member.profile.save()

    entries = DirectoryEntry.objects.order_by("pk").values_list("name", flat=True)
    assert list(entries) == [" ada king ", " grace hopper "]


def test_a_field_that_was_changed_but_not_saved_is_not_found(reader, member):
    member.profile.bio = "Dendrochronology"
    member.profile.headline = "Seismography"
    member.profile.save(update_fields=["headline"])

    assert found(reader, "seismography") == ["Ada Lovelace"]
    assert found(reader, "dendrochronology") == []


def test_a_profile_is_found_by_what_it_has_now_and_rows_that_are_right_are_left_alone(member):
    """Each of its words has a row, and what is left of it by typos as well."""
    profile = member.profile
    profile.bio, profile.place, profile.skills = "Tides", "Graz", "Peat, GIS"
    profile.place_visibility, profile.skills_visibility = "everyone", "nobody"
    profile.save()
    rows = {row.word: row for row in ProfileWord.objects.all()}
    assert {word: row.for_everyone for word, row in rows.items()} == {
        "ada": True,
        "lovelace": True,
        "adalovelace": True,
        "tides": False,
        "graz": True,
    }
    assert {tag.label: tag.for_everyone for tag in ProfileTag.objects.all()} == {"Graz": True}

    profile.place_visibility, profile.bio = "members", "Tidal"
    profile.save()

    now = {row.word: row for row in ProfileWord.objects.all()}
    assert {word: row.for_everyone for word, row in now.items()} == {
        "ada": True,
        "lovelace": True,
        "adalovelace": True,
        "tidal": False,
        "graz": False,
    }
    assert now["ada"].pk == rows["ada"].pk
    assert {tag.label: tag.for_everyone for tag in ProfileTag.objects.all()} == {"Graz": False}
    left = WordDeletion.objects.values_list("word", flat=True)
    assert set(left) == {*rows, "tidal"}, "of words that nobody has the command takes care"


def test_each_audience_has_the_texts_that_it_may_see():
    """With nothing where a field is empty, and a line for each field and each skill."""
    profile = Profile(name="Łucja", bio="Tides", skills="Peat, GIS", skills_visibility="everyone")
    profile.place, profile.place_visibility = "Graz", "members"

    assert texts_of(profile) == Texts(
        name=" lucja ",
        headline="  ",
        everyone=" lucja \n  \n peat \n gis ",
        members=" lucja \n  \n peat \n gis \n graz \n tides ",
        everyone_details=" peat \n gis ",
        members_details=" peat \n gis \n graz ",
    )
    assert texts_of(Profile(place_visibility="everyone")).everyone_details == ""


def test_a_word_is_learned_whole_where_a_part_of_it_is_known(member):
    """As where two transactions have learned it at once."""
    known = WordDeletion.objects.filter(word="lovelace")
    count = known.count()
    known.filter(rest="lovelac").delete()

    assert indexing.learn_missing_words() == 1
    assert known.count() == count


def test_words_are_written_and_deleted_a_few_at_a_time(member, monkeypatch):
    monkeypatch.setattr(indexing, "BATCH", 2)
    words = [f"{letter * 4}" for letter in "bcdfg"]

    member.profile.bio = " ".join(words)
    member.profile.save()
    assert set(words) < set(ProfileWord.objects.values_list("word", flat=True))
    assert set(words) < set(WordDeletion.objects.values_list("word", flat=True))

    member.profile.bio = ""
    member.profile.save()
    left = {"ada", "lovelace", "adalovelace"}
    assert set(ProfileWord.objects.values_list("word", flat=True)) == left
    assert indexing.forget_unused_words() == 5 * 2, "the word, and three of its letters"
    assert set(WordDeletion.objects.values_list("word", flat=True)) == left


def test_saving_anything_else_asks_nothing_of_the_search(member, django_assert_num_queries):
    with django_assert_num_queries(3):  # the update in its savepoint
        member.profile.save(update_fields=["visibility"])


def by_bulk_create():
    User.objects.bulk_create([User(email="new@example.org")])
    user = User.objects.get(email="new@example.org")
    Profile.objects.bulk_create([Profile(user=user, name="Łucja", bio="Tides")])


def by_update():
    Profile.objects.filter(user=make_member("l@example.org")).update(name="Łucja", bio="Tides")


def by_an_older_fold():
    make_member("l@example.org", name="Łucja")
    DirectoryEntry.objects.filter(profile__name="Łucja").update(name=" ?ucja ")
    Profile.objects.filter(name="Łucja").update(bio="Tides")


@pytest.mark.parametrize("write", [by_bulk_create, by_update, by_an_older_fold])
def test_what_was_written_past_save_is_told_by_a_check_and_mended_by_the_command(reader, write):
    write()

    assert found(reader, "tides") == []
    with pytest.raises(CommandError, match="Not up to date: 1 of 2 profiles"):
        run("--check")
    assert "brought up to date: 1." in run()
    assert found(reader, "lucja tides") == ["Łucja"]
    assert Profile.objects.get(name="Łucja").sort_key == "lucja"
    assert "brought up to date: 0." in run("--check")


def without_tags(profile):
    ProfileTag.objects.all().delete()


def with_an_older_sort_key(profile):
    Profile.objects.filter(pk=profile.pk).update(sort_key="zzz")


@pytest.mark.parametrize("spoil", [without_tags, with_an_older_sort_key])
def test_what_lists_and_filters_read_is_mended_as_well(member, spoil):
    profile = Profile.objects.get(user=member)
    profile.place = "Graz"
    profile.save()
    spoil(profile)

    assert "brought up to date: 1." in run()

    assert ProfileTag.objects.filter(profile=profile, key="graz").exists()
    assert Profile.objects.get(pk=profile.pk).sort_key == "ada lovelace"
    assert "brought up to date: 0." in run("--check")


def test_a_name_of_two_words_is_found_if_it_is_written_as_one(client, member):
    member.profile.name, member.profile.visibility = "Anna Maria", "public"
    member.profile.save()

    found = client.get("/members/", {"q": "annamaria"}).context["page"]

    assert [card.name for card in found] == ["Anna Maria"]


def test_a_run_that_was_killed_may_be_repeated(reader, monkeypatch):
    User.objects.bulk_create([User(email=f"m{n}@example.org") for n in range(5)])
    users = User.objects.filter(email__startswith="m")
    Profile.objects.bulk_create([Profile(user=user, name="Nameless One") for user in users])
    monkeypatch.setattr(indexing, "BATCH", 2)
    write, calls = indexing.write, []

    def killed_in_the_second_batch(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(*args)

    with (
        mock.patch.object(indexing, "write", killed_in_the_second_batch),
        pytest.raises(KeyboardInterrupt),
    ):
        run()

    assert 0 < len(found(reader, "nameless")) < 5
    run()
    assert len(found(reader, "nameless")) == 5


def test_the_command_forgets_words_that_nobody_has_any_more(member):
    assert WordDeletion.objects.filter(word="lovelace").exists()

    member.delete()
    run()

    assert not WordDeletion.objects.exists()


def test_the_command_has_typos_compared_with_every_word(reader, member):
    WordDeletion.objects.filter(word="lovelace").delete()
    assert list(reader.get("/members/?q=lovelase").context["page"]) == []

    run()

    assert [card.pk for card in reader.get("/members/?q=lovelase").context["page"]] == [
        member.profile.pk
    ]


def test_migrate_folds_what_is_there_and_a_check_tells_until_then(reader, member):
    DirectoryEntry.objects.all().delete()
    ProfileWord.objects.all().delete()
    assert found(reader, "lovelace") == []
    assert "Profiles that no search finds: 2." in checked()

    call_command("migrate", verbosity=0)

    assert found(reader, "lovelace") == ["Ada Lovelace"]
    assert "no search finds" not in checked()


def test_a_check_tells_of_resumes_whose_text_was_not_read(owner, member):
    """As of those that were replaced past save(); the one that was read is the control."""
    resume = owner.profile.resume.name
    assert "no search finds anybody" not in checked()

    for source, count in ((None, 1), ("resumes/before.pdf", 1), (resume, 0)):
        ResumeText.objects.all().delete()
        if source:
            ResumeText.objects.create(profile=owner.profile, source=source, words=" ")
            ResumeText.objects.create(profile=member.profile, source=resume, words=" ")
        told = "Resumes by whose words no search finds anybody: 1." in checked()
        assert (unread().count(), told) == (count, bool(count))


def checked() -> str:
    output = io.StringIO()
    call_command("check", databases=["default"], stdout=output, stderr=output)
    return output.getvalue()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_a_site_that_may_not_create_the_extension_is_told_the_line_to_run():
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute("CREATE ROLE site NOLOGIN")
        cursor.execute("SET ROLE site")

    with connection.schema_editor(atomic=False) as editor, transaction.atomic():
        with pytest.raises(CommandError, match=r"CREATE EXTENSION pg_trgm;"):
            Trigrams().database_forwards("profiles", editor, None, None)
        transaction.set_rollback(True)


INDEXES = [TrigramIndex("profiles_profile", "bio"), WordsIndex("profiles_profile", "bio")]


@pytest.mark.parametrize("operation", INDEXES, ids=lambda operation: type(operation).__name__)
def test_an_index_can_be_written_into_another_migration(operation):
    """As squashmigrations does."""
    name, args, kwargs = operation.deconstruct()

    again = type(operation)(*args, **kwargs)

    assert (name, vars(again)) == (type(operation).__name__, vars(operation))


@pytest.mark.parametrize("operation", INDEXES, ids=lambda operation: type(operation).__name__)
def test_other_databases_have_no_such_index(operation):
    """SQLite gives the same answers without it."""
    editor = mock.Mock(connection=mock.Mock(vendor="sqlite"))

    operation.database_forwards("profiles", editor, None, None)
    operation.database_backwards("profiles", editor, None, None)

    assert editor.mock_calls == editor.connection.mock_calls == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.parametrize("operation", INDEXES, ids=lambda operation: type(operation).__name__)
def test_an_index_is_made_and_undone(operation):
    before = indexes_and_columns()

    with connection.schema_editor(atomic=False) as editor, transaction.atomic():
        operation.database_forwards("profiles", editor, None, None)
        assert len(indexes_and_columns()) > len(before)
        operation.database_backwards("profiles", editor, None, None)

    assert indexes_and_columns() == before


def indexes_and_columns() -> set[str]:
    with connection.cursor() as cursor:
        table = connection.introspection
        return {
            *table.get_constraints(cursor, "profiles_profile"),
            *(column.name for column in table.get_table_description(cursor, "profiles_profile")),
        }


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_postgresql_has_an_index_for_parts_of_words_on_each_text():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'")
        indexed = {re.search(r"\((\w+) gin_trgm_ops", row[0])[1] for row in cursor.fetchall()}

    texts = {
        field.name
        for field in DirectoryEntry._meta.concrete_fields
        if type(field) is models.TextField
    }
    ranked_alone = {"headline", "everyone_details", "members_details"}
    assert indexed == texts - ranked_alone, "these are ranked, never searched alone"
