"""References: every file that a row names, in the order of a bucket's listing."""

import tracemalloc

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection, models
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.files import references
from portal.files.storages import protected_media, public_media
from profiles.models import Profile, User

# What PostgreSQL takes as text: anything but NUL and halves of surrogate pairs.
NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
)


@pytest.fixture
def registry(monkeypatch):
    """A registry of models that holds what the test defines, and nothing else."""
    with isolate_apps("profiles") as apps:
        monkeypatch.setattr(references, "apps", apps)
        yield


def model(name, *bases, **attributes):
    attributes["__module__"] = "profiles.models"  # a model needs an app
    return type(name, bases or (models.Model,), attributes)


def meta(**options):
    return type("Meta", (), options)


def found():
    return [references.field_label(*pair) for pair in references.file_fields()]


def add_profiles(count, *, avatar="", resume="", email="{}@example.org"):
    """Add a number of profiles; the words are formats that take the profile's number."""
    users = User.objects.bulk_create(
        User(email=email.format(number), password="") for number in range(count)
    )
    return Profile.objects.bulk_create(
        Profile(user=user, avatar=avatar.format(number), resume=resume.format(number))
        for number, user in enumerate(users)
    )


def test_it_finds_the_fields_of_the_site():
    assert sorted(found()) == [
        "privacy.Departure.record",
        "profiles.Profile.avatar",
        "profiles.Profile.avatar_small",
        "profiles.Profile.resume",
        "profiles.Profile.resume_picture",
        "profiles.StoredUpload.file",
        "profiles.StoredUpload.picture",
        "profiles.StoredUpload.published",
        "profiles.StoredUpload.published_small",
        "society.Society.logo",
    ]


def test_it_finds_fields_of_every_class(registry):
    """Y6: a new model."""
    scan_field = type("ScanField", (models.FileField,), {})

    model("Plain", file=models.FileField(), title=models.CharField(max_length=10))
    model("Custom", file=scan_field())
    model("Renamed", file=models.ImageField(db_column="picture"))

    assert found() == ["profiles.Plain.file", "profiles.Custom.file", "profiles.Renamed.file"]


def test_it_finds_an_inherited_field_where_its_column_is(registry):
    abstract = model("Abstract", file=models.FileField(), Meta=meta(abstract=True))
    first = model("First", abstract)
    model("Second", abstract)
    model("Child", first, letter=models.FileField())

    assert found() == ["profiles.First.file", "profiles.Second.file", "profiles.Child.letter"]


def test_it_leaves_out_what_has_no_rows_of_its_own(registry):
    """A proxy's rows are its parent's; a table that somebody else manages has some."""
    parent = model("Parent", file=models.FileField())
    model("Proxy", parent, Meta=meta(proxy=True))
    model("Unmanaged", file=models.FileField(), Meta=meta(managed=False))

    assert found() == ["profiles.Parent.file", "profiles.Unmanaged.file"]


def test_a_storage_without_an_alias_is_called_after_its_first_field(registry, tmp_path):
    archive = FileSystemStorage(tmp_path)
    model(
        "Document",
        photo=models.FileField(storage=public_media),
        scan=models.FileField(storage=archive),
        letter=models.FileField(storage=archive),
        plain=models.FileField(),
    )

    assert list(references.field_storages().items()) == [
        ("default", public_media()),
        ("profiles.Document.scan", archive),
    ]
    of_letter = [pair for pair in references.file_fields() if pair[1].name == "letter"]
    assert references.field_storages(of_letter) == {"profiles.Document.scan": archive}
    assert references.field_storages([]) == {}


@pytest.mark.django_db
def test_a_reference_says_where_it_stands():
    profile = add_profiles(1, avatar="avatars/a.webp", resume="resumes/b.pdf")[0]

    assert list(references.references()) == [
        ("default", "avatars/a.webp", "profiles.Profile", profile.pk, "avatar"),
        ("protected", "resumes/b.pdf", "profiles.Profile", profile.pk, "resume"),
    ]


@pytest.mark.django_db
def test_blank_names_are_left_out():
    """Y6; the profile with an avatar is the control."""
    add_profiles(2)
    Profile.objects.filter(user__email="1@example.org").update(avatar="avatars/a.webp")

    assert [reference.name for reference in references.references()] == ["avatars/a.webp"]


@pytest.mark.django_db
def test_a_name_in_two_rows_comes_twice():
    first, second = add_profiles(2, avatar="avatars/one.webp")

    assert [reference.pk for reference in references.references()] == [first.pk, second.pk]


@pytest.mark.django_db
def test_one_field_may_be_asked_for_alone():
    add_profiles(1, avatar="avatars/a.webp", resume="resumes/b.pdf")
    wanted = [pair for pair in references.file_fields() if pair[1].name == "resume"]

    assert [reference.field for reference in references.references(wanted)] == ["resume"]


@pytest.mark.django_db
def test_fields_of_one_storage_are_one_stream(monkeypatch):
    monkeypatch.setattr(Profile._meta.get_field("resume"), "storage", public_media())
    add_profiles(3, avatar="{}/b", resume="{}/a")

    streamed = list(references.references())

    assert {reference.storage for reference in streamed} == {"default"}
    assert [reference.name for reference in streamed] == ["0/a", "0/b", "1/a", "1/b", "2/a", "2/b"]


@pytest.mark.postgresql
@pytest.mark.django_db
def test_names_come_in_the_order_of_their_bytes():
    """Y6: as S3 lists them, whatever the language the database sorts by."""
    add_profiles(6)

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(NAMES, min_size=6, max_size=6))
    def check(names):
        for profile, name in zip(Profile.objects.all(), names, strict=True):
            Profile.objects.filter(pk=profile.pk).update(avatar=name)

        streamed = [reference.name for reference in references.references()]

        assert streamed == sorted(names, key=str.encode)

    check()


@pytest.mark.django_db
def test_a_databases_language_does_not_count():
    """Most databases sort as people do, Heroku's among them: "a" before "B", and "é" before "z"."""
    if connection.vendor == "postgresql":  # SQLite knows no languages
        with connection.cursor() as cursor:
            column = 'COLUMN avatar TYPE varchar(200) COLLATE "unicode"'
            cursor.execute(f"ALTER TABLE profiles_profile ALTER {column}")
    names = ["B", "a", "Z", "é", "a+b", "a b", "a%20b", "ż", "\U0001d518", "\ue000", "~", "-"]
    for profile, name in zip(add_profiles(len(names)), names, strict=True):
        Profile.objects.filter(pk=profile.pk).update(avatar=name)

    streamed = [reference.name for reference in references.references()]

    assert streamed == sorted(names, key=str.encode)


@pytest.mark.django_db
def test_a_managers_filter_hides_no_row(monkeypatch):
    add_profiles(1, avatar="avatars/a.webp")
    manager = models.Manager.from_queryset(NoRows)()
    manager.model = Profile
    for name in ("base_manager", "default_manager"):
        monkeypatch.setattr(Profile._meta, name, manager)

    assert not Profile._base_manager.all()
    assert len(list(references.references())) == 1


class NoRows(models.QuerySet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.query.set_empty()


@pytest.mark.whole
@pytest.mark.django_db
def test_rows_are_streamed():
    """Y8: the memory it takes does not grow with the rows, of which PostgreSQL has 100,000."""
    add_profiles(5_000, avatar="avatars/{:032}.webp")
    few = peak_memory()
    more = 95_000 if connection.vendor == "postgresql" else 8_000
    add_profiles(more, avatar="avatars/{:032}.webp", email="second-{}@example.org")
    many = peak_memory()

    assert many < few * 1.2


def peak_memory():
    tracemalloc.start()
    try:
        for _ in references.references():
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.postgresql
@pytest.mark.django_db
def test_it_knows_which_files_are_named():
    add_profiles(1, avatar="avatars/a.webp")
    names = ["avatars/a.webp", "avatars/b.webp"]

    assert references.named_among(public_media(), names) == {"avatars/a.webp"}
    assert references.named_among(protected_media(), names) == set()
