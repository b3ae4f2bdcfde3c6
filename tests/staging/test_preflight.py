"""refresh_staging: keys, buckets and prefixes of both ends are tried before anything changes."""

import re
from functools import partial

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.core.management.base import CommandError

from portal.copying.stores import Page, Unusable
from portal.files.references import Reference, file_fields, storage_label
from portal.staging import preflight
from portal.staging.preflight import (
    refuse_if_all_denied,
    refuse_unreadable,
    refuse_unwritable,
    try_both_ends,
)
from profiles.models import Profile, User
from tests.support.refresh_command import (
    LIVE,
    MEMBERS,
    STAFF,
    STAGING,
    keys_in,
    refresh,
    refused,
    staff_keys,
)
from tests.support.strict_s3 import read_only

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


def nothing_changes(restored, words, *arguments) -> None:
    """A refusal in these words: no row has gone, no file has come, and live is as it was."""
    before = keys_in(restored, LIVE)

    error = refused(*arguments)

    assert words in str(error)
    assert "Nothing was changed" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
    assert keys_in(restored, STAGING) == []
    assert keys_in(restored, LIVE) == before


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("access_key", "AKIANOBODY", "The access key for society-live does not exist"),
        ("secret_key", "another", "secret key for society-live is not that"),
        ("bucket_name", "society-lvie", "There is no bucket society-lvie"),
        ("location", "medai", "below medai/, holds no file at all"),
        ("region_name", "eu-central-1", "region or the endpoint of society-live"),
    ],
)
def test_a_wrong_variable_of_live_is_noticed_before_the_scrub(
    restored, settings, option, value, words
):
    settings.LIVE_STORAGES["default"]["OPTIONS"][option] = value

    nothing_changes(restored, words)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("access_key", "AKIANOBODY", "The access key for society-staging does not exist"),
        ("bucket_name", "society-stagign", "There is no bucket society-stagign"),
    ],
)
def test_a_wrong_variable_of_staging_is_noticed_before_the_scrub(
    restored, monkeypatch, option, value, words
):
    monkeypatch.setattr(storage_of("avatar"), option, value)

    nothing_changes(restored, words)


def storage_of(field: str):
    return User.profile.related.related_model._meta.get_field(field).storage


def test_a_bucket_that_staging_may_not_write_to_is_noticed_before_the_scrub(restored, monkeypatch):
    monkeypatch.setitem(restored.permissions, "AKIAPORTAL", read_only)

    nothing_changes(restored, "store")


def test_a_stock_storage_that_may_not_be_written_to_is_noticed_too(restored, settings, monkeypatch):
    """Y13: its errors are boto3's own."""
    of_site = settings.STORAGES["protected"]["OPTIONS"]
    stock = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": of_site}
    aliases = {field: storage_label(field.storage) for _, field in file_fields()}
    settings.STORAGES = settings.STORAGES | {"protected": stock}
    for field, alias in aliases.items():
        monkeypatch.setattr(field, "storage", storages[alias])
    monkeypatch.setitem(restored.permissions, "AKIAPORTAL", partial(read_only_below, "protected/"))

    nothing_changes(restored, "Let the key of")


def read_only_below(prefix, method, bucket, key) -> bool:
    return read_only(method, bucket, key) or not key.startswith(prefix)


def test_a_file_stored_on_trial_is_removed(restored):
    """The control of the test above."""
    refresh()

    assert keys_in(restored, STAGING) == staff_keys()


def test_a_live_key_that_may_neither_list_nor_read_is_noticed(restored, monkeypatch):
    monkeypatch.setitem(restored.permissions, "AKIALIVEREAD", lambda *asked: False)

    nothing_changes(restored, "can neither be listed nor read")
    denied = [r for r in restored.requests if (r.method, r.access_key) == ("HEAD", "AKIALIVEREAD")]
    assert len(denied) == 5, "a few are enough"


def test_a_live_key_that_may_only_read_is_enough(restored, monkeypatch):
    """The control: without the right to list, each file is asked for."""
    monkeypatch.setitem(
        restored.permissions, "AKIALIVEREAD", lambda *asked: read_only(*asked) and asked[2] != ""
    )

    refresh()

    assert keys_in(restored, STAGING) == staff_keys()


@pytest.mark.parametrize("allowed", ["POST", "DELETE"])
def test_a_live_key_that_can_write_is_refused_unless_told_otherwise(restored, monkeypatch, allowed):
    """Y2: one that stores may overwrite, and one that deletes may delete."""
    monkeypatch.setitem(
        restored.permissions,
        "AKIALIVEREAD",
        lambda *asked: read_only(*asked) or asked[0] == allowed,
    )

    nothing_changes(restored, "--live-key-may-write")
    nothing_changes(restored, "--live-key-may-write", "--dry-run")

    refresh("--live-key-may-write")
    assert keys_in(restored, STAGING) == staff_keys()


def test_a_server_that_is_busy_proves_nothing_and_is_asked_again(restored, monkeypatch):
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    for kind in ("POST", "PUT", "DELETE"):
        restored.fail_next(times=3, matching=lambda asked, kind=kind: asked.method == kind)

    refresh()

    assert keys_in(restored, STAGING) == staff_keys()


def test_a_dry_run_stores_nothing_on_trial(restored):
    refresh("--dry-run")

    stored = [r for r in restored.requests if r.method == "PUT" and r.bucket == STAGING]
    assert stored == []


def test_an_empty_folder_of_live_is_noticed_before_the_scrub(restored, settings, tmp_path):
    twin = {
        "BACKEND": f"{FileSystemStorage.__module__}.{FileSystemStorage.__name__}",
        "OPTIONS": {"location": tmp_path / "unmounted"},
    }
    settings.LIVE_STORAGES = {"default": twin, "protected": twin}

    nothing_changes(restored, "unmounted, holds no file at all")


def test_a_bucket_without_files_is_right_for_rows_without(restored):
    """The control: a site whose members have uploaded nothing yet."""
    Profile.objects.update(avatar="", resume="")
    for key in keys_in(restored, LIVE):
        restored._backend.delete_object(LIVE, key)

    refresh()

    assert keys_in(restored, STAGING) == []


class Trial:
    """A storage that fails at some of its methods, and notes what it is asked."""

    def __init__(self, *failing):
        self.failing, self.asked = failing, []

    def save(self, name, content):
        self.asked.append(("save", name, content.read()))
        if "save" in self.failing:
            raise OSError("No room.")

    def delete(self, name):
        self.asked.append(("delete", name))
        if "delete" in self.failing:
            raise OSError("No permission.")


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ([], None),
        (["save"], "Nothing was changed. No room."),
        (["save", "delete"], "Nothing was changed. No room."),
        (["delete"], "Nothing was changed but that {} was stored on trial. No permission."),
    ],
)
def test_a_target_takes_a_file_on_trial_and_deletes_it_again(failing, words):
    """Also where storing has failed: it may be there all the same."""
    storage = Trial(*failing)

    if words:
        with pytest.raises(CommandError) as caught:
            refuse_unwritable(storage)
    else:
        refuse_unwritable(storage)

    (_, name, _) = storage.asked[0]
    assert re.fullmatch(r"refresh-staging-[0-9a-f-]{36}\.txt", name)
    assert storage.asked == [
        ("save", name, b"from manage.py refresh_staging\n"),
        ("delete", name),
    ]
    if words:
        assert str(caught.value) == words.format(name)


class Asked:
    """A store that answers for each name, or raises what it is to answer."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def __str__(self):
        return "The bucket live, below media/"

    def find(self, name):
        self.asked.append(name)
        if isinstance(answer := self.answers[name], Exception):
            raise answer
        return answer


OF_LIVE = "Nothing was changed. The bucket live, below media/"
NEITHER = (
    f"{OF_LIVE}, can neither be listed nor read. S3 answered AccessDenied. Correct LIVE_STORAGES in"
    " the settings, or what the key may do; check_storage tells which."
)
DENIED = PermissionError("S3 answered AccessDenied.")


@pytest.mark.parametrize(
    ("answers", "asked", "words"),
    [
        ({}, [], None),
        ({"a": None}, ["a"], None),
        ({"a": DENIED, "b": None, "c": None}, ["a", "b"], None),
        (
            {"a": DENIED, "b": DENIED},
            ["a", "b"],
            NEITHER,
        ),
        (
            {"a": OSError("Broken.")},
            ["a"],
            f"{OF_LIVE}: Broken.",
        ),
        (
            {"a": Unusable("No bucket.")},
            ["a"],
            f"{OF_LIVE}: No bucket.",
        ),
    ],
)
def test_one_readable_file_of_a_source_is_enough(settings, answers, asked, words):
    """Its key may not list, and a name without a file has been asked for, too."""
    settings.S3_VARIABLES, source = {}, Asked(**answers)

    if words:
        with pytest.raises(CommandError) as caught:
            refuse_if_all_denied(source, list(answers), DENIED)
        assert str(caught.value) == words
    else:
        refuse_if_all_denied(source, list(answers), DENIED)

    assert source.asked == asked


class Pages(Asked):
    """A store that can be listed, or may not be."""

    def __init__(self, answer, lists=True):
        super().__init__(page=answer)
        self.lists = lists

    def page(self, after):
        return self.find("page" if after == "" else after)


NO_FILES, ONE_FILE = Page([], "", True), Page([("a", None)], "a", True)
MORE = Page([], "", False)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (ONE_FILE, NO_FILES, None),
        (NO_FILES, NO_FILES, None),  # no row names a file
        (MORE, DENIED, None),  # a key may write where it may not list
        (DENIED, NO_FILES, None),
        (Unusable("No bucket."), NO_FILES, f"{OF_LIVE}: No bucket."),
        (OSError("Broken."), NO_FILES, f"{OF_LIVE}: Broken."),
        (ONE_FILE, Unusable("No bucket."), f"{OF_LIVE}: No bucket."),
    ],
)
def test_both_ends_are_listed_and_the_target_is_written_to(source, target, words, dry_run):
    ends, storage = (Pages(source), Pages(target)), Trial()

    def run():
        try_both_ends(
            {"default": storage}, {"default": ends}, [], dry_run=dry_run, live_key_may_write=True
        )

    if words:
        with pytest.raises(CommandError) as caught:
            run()
        assert str(caught.value) == words
    else:
        run()

    assert ends[0].asked == ["page"]
    assert ends[1].asked == ([] if isinstance(source, (Unusable, OSError)) and words else ["page"])
    assert bool(storage.asked) is not (dry_run or bool(words))


def test_a_target_that_does_not_list_is_not_asked_to():
    target = Pages(NO_FILES, lists=False)

    try_both_ends({"x": Trial()}, {"x": (Pages(ONE_FILE), target)}, [], dry_run=True,
                  live_key_may_write=True)  # fmt: skip

    assert target.asked == []


@pytest.mark.parametrize(
    ("page", "names", "is_refused"),
    [
        (NO_FILES, [], False),
        (NO_FILES, ["a"], True),
        (ONE_FILE, ["a"], False),
        (MORE, ["a"], False),
    ],
)
def test_a_source_without_a_file_is_right_only_for_rows_without(page, names, is_refused):
    source = Pages(page)

    if is_refused:
        with pytest.raises(CommandError) as caught:
            refuse_unreadable(source, names)
        assert str(caught.value) == (
            f"{OF_LIVE}, holds no file at all, and rows name some. Is it the right bucket, and the"
            " right prefix?"
        )
    else:
        refuse_unreadable(source, names)


def test_a_few_names_of_each_storage_are_those_of_the_live_site(monkeypatch):
    """Those of placeholders are left out, and no cursor is left open."""
    fields = [
        (Profile, Profile._meta.get_field(name)) for name in ("avatar", "avatar_small", "resume")
    ]
    closed = []

    def rows(label, model, field):
        try:
            for number in range(9):
                is_drawn = number == 1 and field.name != "resume"
                name = "drawn" if is_drawn else f"{field.name}-{number}"
                yield Reference(label, name, model._meta.label, number, field.name)
        finally:
            closed.append(field.name)

    monkeypatch.setattr(preflight, "field_references", rows)
    monkeypatch.setattr(preflight, "is_placeholder", lambda row: row.name == "drawn")

    assert preflight.first_names(fields) == {
        "default": [
            f"{name}-{number}" for name in ("avatar", "avatar_small") for number in (0, 2, 3, 4, 5)
        ],
        "protected": [f"resume-{number}" for number in range(5)],
    }
    assert closed == ["avatar", "avatar_small", "resume"]
