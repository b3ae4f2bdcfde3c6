import re
import tomllib
from io import StringIO
from pathlib import Path

import pikepdf
import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as site_settings
from django.core.files import File
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from PIL import Image

from portal.files.fields import Cleaned
from profiles.models import Profile, ResumeDownload, User
from profiles.uploads.avatars import AvatarField, clean_avatar
from profiles.uploads.resumes import ResumeField, clean_resume
from tests.accounts.test_verified_address import findings

DEMO = Path(site_settings.BASE_DIR) / "profiles" / "demo"
MEMBERS = tomllib.loads((DEMO / "members.toml").read_text(encoding="utf-8"))["members"]
AVATARS = sorted((DEMO / "avatars").iterdir())
RESUMES = sorted((DEMO / "resumes").iterdir())
MAX_DEMO_BYTES = 2_000_000
MAX_RESUME_BYTES = 45_000


@pytest.fixture(autouse=True)
def accepted_files(monkeypatch):
    """Store the shipped files as they are: each is held to the real rule by a test of its own."""
    for field in (AvatarField, ResumeField):
        monkeypatch.setattr(field, "clean_upload", lambda self, file: Cleaned(file))


def seed_demo(**options):
    output = StringIO()
    call_command("seed_demo", stdout=output, **options)
    return output.getvalue()


def stored_files():
    return {
        (alias, folder, name)
        for alias, folder in (("default", "avatars"), ("protected", "resumes"))
        if storages[alias].exists(folder)
        for name in storages[alias].listdir(folder)[1]
    }


def rows():
    return [
        list(model.objects.order_by("pk").values()) for model in (User, Profile, ResumeDownload)
    ]


@pytest.mark.django_db
def test_adds_the_members_their_files_and_their_dates():
    seed_demo()

    profiles = Profile.objects.select_related("user")
    assert profiles.count() == 30
    assert profiles.exclude(avatar="").count() == len(AVATARS) == 26
    assert profiles.exclude(resume="").count() == len(RESUMES) == 24
    assert len(stored_files()) == 50
    assert User.objects.filter(is_active=False).count() == 1
    assert ResumeDownload.objects.exclude(member=None).count() > 10
    assert all(p.created_at == p.user.date_joined <= p.updated_at for p in profiles)
    assert {p.visibility for p in profiles} == set(Profile.Visibility.values)


@pytest.mark.whole
@pytest.mark.django_db
def test_adds_members_whose_addresses_are_verified():
    seed_demo()

    assert EmailAddress.objects.filter(verified=True, primary=True).count() == 30
    assert findings() == []


@pytest.mark.whole
@pytest.mark.django_db
def test_adds_nothing_that_a_form_would_refuse():
    seed_demo()

    for profile in Profile.objects.all():
        profile.full_clean()
        profile.user.full_clean(exclude=["password"])


@pytest.mark.django_db
def test_changes_nothing_when_run_again(django_assert_num_queries):
    seed_demo()
    before = rows(), stored_files()

    # Who is here, a transaction around whether there is a society, and on PostgreSQL if there is
    # a mark of production.
    with django_assert_num_queries(4 + (connection.vendor == "postgresql")):
        output = seed_demo()

    assert (rows(), stored_files()) == before
    assert "All 30 demo members are here already." in output


@pytest.mark.django_db
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_refuses_outside_development(settings, environment):
    settings.SITE_ENVIRONMENT = environment

    with pytest.raises(CommandError, match="--allow-outside-development"):
        seed_demo()

    assert not User.objects.exists()
    assert not stored_files()


@pytest.mark.django_db
def test_leaves_neither_rows_nor_files_when_a_file_cannot_be_stored(monkeypatch):
    protected = type(storages["protected"])
    save, stored = protected.save, []

    def fill_up(self, name, content, **kwargs):
        if len(stored) == 3:
            raise OSError("disk full")
        stored.append(save(self, name, content, **kwargs))
        return stored[-1]

    monkeypatch.setattr(protected, "save", fill_up)

    with pytest.raises(CommandError, match="Nothing was added: disk full"):
        seed_demo()

    assert len(stored) == 3
    assert not User.objects.exists()
    assert not stored_files()


def test_ships_each_file_that_is_named_and_no_other():
    assert [f.stem for f in AVATARS] == sorted(m["slug"] for m in MEMBERS if "portrait" in m)
    assert [f.stem for f in RESUMES] == sorted(m["slug"] for m in MEMBERS if "resume" in m)
    assert sum(f.stat().st_size for f in DEMO.rglob("*") if f.is_file()) < MAX_DEMO_BYTES


@pytest.mark.whole
@pytest.mark.parametrize("path", AVATARS, ids=lambda path: path.stem)
def test_ships_avatars_that_the_site_accepts(path):
    with path.open("rb") as file:
        clean_avatar(
            File(file),
            max_bytes=site_settings.AVATAR_MAX_BYTES,
        )

    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (512, 512))


@pytest.mark.whole
@pytest.mark.parametrize("path", RESUMES, ids=lambda path: path.stem)
def test_ships_resumes_that_the_site_accepts_and_that_tell_nothing_of_a_machine(path):
    with path.open("rb") as file:
        clean_resume(File(file), max_bytes=MAX_RESUME_BYTES)

    member = next(member for member in MEMBERS if member["slug"] == path.stem)
    with pikepdf.open(path, attempt_recovery=False) as pdf:
        assert not pdf.is_encrypted
        assert dict(pdf.docinfo) == {"/Title": member["name"], "/Author": member["name"]}


def test_invents_addresses_only_where_nobody_lives():
    addresses = [member["email"] for member in MEMBERS]

    assert all(re.fullmatch(r"[a-z.]+@example\.(org|com)", address) for address in addresses)
    assert len(set(addresses)) == len(addresses) == 30


@pytest.mark.whole
@pytest.mark.django_db
def test_brings_a_society_whose_texts_say_that_it_is_a_demonstration(client):
    seed_demo()

    assert "People who measure, map and mend the world" in client.get("/").content.decode()
    for page in ("/society/privacy/", "/society/imprint/"):
        assert "This is a demonstration." in client.get(page).content.decode()


@pytest.mark.django_db
def test_a_database_without_the_tables_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(User._meta, "db_table", "not_there")

    with pytest.raises(CommandError, match=r"^Nothing was added: .*not_there.* and migrated\?$"):
        seed_demo()
