"""seed_demo with a handful of members, who are cheap to add: what it writes, and what it prints."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.files.fields import Cleaned
from profiles.management.commands import seed_demo as command
from profiles.models import Profile, ResumeDownload, User
from profiles.society.models import Society
from profiles.uploads.avatars import AvatarField
from profiles.uploads.resumes import ResumeField

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

DEMO = Path(site_settings.BASE_DIR) / "profiles" / "demo"
FEW = """
[society]
name = "The Few"
tagline = "Three and no more"

[[members]]
slug = "tadhg-o-briain"
email = "tadhg@example.org"
login = "staff"
name = "Tadhg"
headline = "Surveyor"
bio = "Bogs."
visibility = "public"
place = "Galway"
place_visibility = "everyone"
skills = ["Coring", "Levelling"]
skills_visibility = "members"
links = ["https://bogs.example/", "https://peat.example/"]
language = "de"
joined = 30
edited = 2
portrait = {}
resume = {}

[[members]]
slug = "ada"
email = "ada@example.org"
login = "member"
name = "Ada"
joined = 20
edited = 20

[[members]]
slug = "lee"
email = "lee@example.org"
name = "Lee"
visibility = "hidden"
active = false
joined = 10
edited = 1

[downloads]
opened = [["tadhg-o-briain", "ada", 1.5], ["ada", "lee", 4]]
"""


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    """Three members instead of thirty; their files are stored as they are."""
    demo = tmp_path / "demo"
    demo.mkdir()
    (demo / "members.toml").write_text(FEW)
    for folder in ("avatars", "resumes"):
        (demo / folder).symlink_to(DEMO / folder)
    monkeypatch.setattr(command, "DEMO", demo)
    for field in (AvatarField, ResumeField):
        monkeypatch.setattr(field, "clean_upload", lambda self, file: Cleaned(file))


def seed_demo(**options) -> list[str]:
    output = StringIO()
    call_command("seed_demo", stdout=output, **options)
    return output.getvalue().splitlines()


def days_since(moment) -> float:
    return round((timezone.now() - moment) / timedelta(days=1), 1)


def test_it_writes_what_the_list_says_of_each():
    seed_demo()

    written = {
        profile.name: (
            (profile.user.email, profile.user.language, profile.user.is_active),
            (profile.headline, profile.bio, profile.visibility),
            (profile.place, profile.place_visibility, profile.skills, profile.skills_visibility),
            profile.links,
            (bool(profile.avatar), bool(profile.resume)),
            (days_since(profile.user.date_joined), days_since(profile.created_at)),
            days_since(profile.updated_at),
        )
        for profile in Profile.objects.select_related("user")
    }
    unsaid = Profile()
    nothing = ("", unsaid.place_visibility, "", unsaid.skills_visibility)
    assert written == {
        "Tadhg": (
            ("tadhg@example.org", "de", True),
            ("Surveyor", "Bogs.", "public"),
            ("Galway", "everyone", "Coring, Levelling", "members"),
            "https://bogs.example/\nhttps://peat.example/",
            (True, True),
            (30, 30),
            2,
        ),
        "Ada": (
            ("ada@example.org", "", True), ("", "", unsaid.visibility),
            nothing, "", (False, False), (20, 20), 20,
        ),
        "Lee": (
            ("lee@example.org", "", False), ("", "", "hidden"),
            nothing, "", (False, False), (10, 10), 1,
        ),
    }  # fmt: skip
    assert Society.objects.values_list("name", "tagline").get() == ("The Few", "Three and no more")
    openings = ResumeDownload.objects.order_by("-opened_at")
    assert [(o.profile.name, o.member.email, days_since(o.opened_at)) for o in openings] == [
        ("Tadhg", "ada@example.org", 1.5),
        ("Ada", "lee@example.org", 4),
    ]


def test_the_log_ins_of_development_are_printed_each_time():
    log_ins = [
        "Log in as one of these:",
        "  member  ada@example.org       meridian-member",
        "  staff   tadhg@example.org     meridian-staff",
    ]
    added = "Added 3 of 3 demo members (avatars: 1, resumes: 1)."

    assert seed_demo() == [added, *log_ins]
    assert seed_demo() == ["All 3 demo members are here already.", *log_ins]

    rights = User.objects.order_by("email").values_list("email", "is_staff", "is_superuser")
    assert list(rights) == [
        ("ada@example.org", False, False),
        ("lee@example.org", False, False),
        ("tadhg@example.org", True, True),
    ]
    assert User.objects.get(email="ada@example.org").check_password("meridian-member")
    assert User.objects.get(email="tadhg@example.org").check_password("meridian-staff")
    assert not User.objects.get(email="lee@example.org").has_usable_password()


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_passwords_outside_development_are_made_up_and_printed_once(settings, environment):
    settings.SITE_ENVIRONMENT = environment

    first = seed_demo(allow_outside_development=True)
    User.objects.get(email="ada@example.org").delete()
    second = seed_demo(allow_outside_development=True)

    printed = [re.split(r"\s+", line.strip()) for line in first[2:]]
    assert [(login, email) for login, email, _ in printed] == [
        ("member", "ada@example.org"),
        ("staff", "tadhg@example.org"),
    ]
    former, password = (word for _, _, word in printed)
    assert len({former, password}) == 2
    assert min(len(former), len(password)) >= 20
    assert User.objects.get(email="tadhg@example.org").check_password(password)
    assert second[0] == "Added 1 of 3 demo members (avatars: 0, resumes: 0)."
    [(login, _, anew)] = [re.split(r"\s+", line.strip()) for line in second[2:]]
    assert (login, anew != former) == ("member", True)
    assert User.objects.get(email="ada@example.org").check_password(anew)
    third = seed_demo(allow_outside_development=True)
    assert third == ["All 3 demo members are here already."]


def test_what_is_there_stays_and_what_is_missing_comes_back():
    Society.objects.create(name="Ours")
    seed_demo()
    User.objects.get(email="ada@example.org").delete()
    Profile.objects.filter(name="Tadhg").update(bio="Edited since.")

    output = seed_demo()

    assert output[0] == "Added 1 of 3 demo members (avatars: 0, resumes: 0)."
    assert Society.objects.get().name == "Ours"
    assert Profile.objects.get(name="Tadhg").bio == "Edited since."
    openings = ResumeDownload.objects.order_by("-opened_at").select_related("member")
    assert [(o.profile.name, o.member and o.member.email) for o in openings] == [
        ("Tadhg", None),
        ("Ada", "lee@example.org"),
    ], "openings of the resumes of those who were here are not added twice"


@pytest.mark.parametrize("error", [OSError("disk full"), ImproperlyConfigured("no bucket")])
def test_nothing_is_added_where_the_storage_is_at_fault(monkeypatch, error):
    def fails(*args):
        raise error

    monkeypatch.setattr(command, "add_downloads", fails)

    with pytest.raises(CommandError, match=f"^Nothing was added: {error}$"):
        seed_demo()

    assert not User.objects.exists()
    assert not Society.objects.exists()
