"""scrub_members --keep: members stay as people who do not exist, and the site is as it was."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from pikepdf import Pdf

from portal.staging import placeholders, replacing
from portal.staging.sampling import Stratum, of_departed, sample
from profiles.directory.models import ResumeText
from profiles.models import Profile, ResumeDownload, User
from profiles.scrub_rules import RULES
from tests.conftest import PASSWORD, make_member
from tests.support.rows import scrub_members, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def society(staff, settings, monkeypatch):
    """Members of each kind, who are replaced two at a time; files are names alone."""
    monkeypatch.setattr(replacing, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(placeholders, "AT_ONCE", 3)
    settings.SITE_ENVIRONMENT = "staging"
    settings.AVATAR_PIXELS = 64  # drawn quickly
    for number, kind in enumerate(["public", "members", "hidden"] * 3):
        user = make_member(
            f"zuza{number}@society.example",
            name=f"Zuzanna Wisniewska {number}",
            visibility=kind,
            is_active=number != 4,
            last_login=timezone.now() if number != 5 else None,
        )
        for kind in ("new", "former"):  # the new one is not confirmed yet
            address = f"{kind}{number}@society.example"
            user.emailaddress_set.create(email=address, verified=kind == "former")
        files = {"avatar": f"avatars/{number}.webp"} if number < 4 else {}
        if 2 < number < 7:
            files |= {
                "resume": f"resumes/{number}.pdf",
                "resume_picture": f"resumes/{number}.png",
                "resume_pages": number,
                "resume_bytes": 123_456,
            }
        bio = "Keeper of lighthouses. " * number
        Profile.objects.filter(user=user).update(headline="Keeps lighthouses", bio=bio, **files)
    call_command("index_profiles", stdout=io.StringIO())
    return User.objects.filter(is_staff=False)


def people():
    """The people of the site, without the staff."""
    fields = ("pk", "email", "profile__name", "profile__bio", "profile__avatar", "profile__resume")
    return list(User.objects.filter(is_staff=False).order_by("pk").values_list(*fields))


def kept(count=4, **options):
    """The people after a scrub that keeps this many."""
    scrub_members(keep=count, **options)
    return people()


def test_as_many_members_stay_as_were_asked_for(society, staff):
    before = {value for row in people() for value in row[1:] if value}

    rows = kept(4)

    assert len(rows) == 4
    assert User.objects.filter(is_staff=True).get().email == staff.email
    assert not before & {value for row in rows for value in row[1:]}
    assert "Wisniewska" not in whole_database()


def test_nobody_stays_unless_asked_for(society):
    """The control."""
    scrub_members()

    assert people() == []


def test_more_than_there_are_is_all(society):
    assert len(kept(1000)) == 9


def test_the_report_counts_the_rows_of_each_column(society):
    report = scrub_members(keep=1000)

    *lines, drawn, done = (line.split() for line in report.splitlines())
    assert (drawn[0], drawn[-4], done) == ("12", "0", ["Scrubbed."])
    assert lines == [
        ["deleted", "cleared", "replaced"], ["account.EmailAddress", "18"],
        ["account.EmailAddress.email", "9"], ["profiles.Profile.avatar", "4"],
        ["profiles.Profile.bio", "8"], ["profiles.Profile.created_at", "9"],
        ["profiles.Profile.headline", "9"], ["profiles.Profile.name", "9"],
        ["profiles.Profile.resume", "4"], ["profiles.Profile.resume_bytes", "4"],
        ["profiles.Profile.resume_picture", "4"], ["profiles.Profile.updated_at", "9"],
        ["profiles.User.date_joined", "9"], ["profiles.User.email", "9"],
        ["profiles.User.last_login", "8"], ["profiles.User.password", "9"],
    ]  # fmt: skip
    again = scrub_members(keep=1000).splitlines()
    assert again[-2].startswith("0 files of replaced members were drawn, and 12 were")


@pytest.mark.parametrize("number", ["-1", "many", "1.5"])
def test_a_number_that_is_none_is_refused(society, number):
    with pytest.raises(CommandError, match="--keep"):
        call_command("scrub_members", "--keep", number)

    assert society.count() == 9


KINDS = {
    "public": {"profile__visibility": "public"},
    "members": {"profile__visibility": "members"},
    "hidden": {"profile__visibility": "hidden"},
    "inactive": {"is_active": False},
    "never logged in": {"last_login": None},
}


def test_each_kind_of_member_is_among_them(society):
    kept(8)

    members = User.objects.filter(is_staff=False)
    for kind in KINDS.values():
        assert members.filter(**kind).exists(), kind
    for field in ("avatar", "resume"):
        assert members.exclude(**{f"profile__{field}": ""}).exists(), field
        assert members.filter(**{f"profile__{field}": ""}).exists(), field


def test_the_longest_texts_are_among_them(society):
    strata = (Stratum("longest bios", longest="profile__bio"),)
    longest = Profile.objects.get(name="Zuzanna Wisniewska 8").pk

    with pytest.MonkeyPatch.context() as patch:
        people = replace(RULES.people, strata=strata)
        patch.setattr(f"{__name__}.RULES", replace(RULES, people=people))
        patch.setattr("django.conf.settings.SCRUB_RULES", f"{__name__}.RULES")
        kept(1)

    assert Profile.objects.exclude(user__is_staff=True).get().pk == longest


def test_the_seed_decides_who_stays(society):
    def chosen(seed):
        try:
            with transaction.atomic():
                keys = [row[0] for row in kept(3, seed=seed)]
                raise InterruptedError
        except InterruptedError:
            return keys

    assert chosen("a") == chosen("a")
    assert len({tuple(chosen(seed)) for seed in "abcdef"}) > 1


def test_another_seed_makes_another_sample(society):
    chosen = [tuple(sample(society, (), 3, seed)) for seed in "aabcdef"]

    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1


def test_a_second_run_changes_nothing(society):
    """A run that was killed after the scrub is repeated, and ends the same."""
    kept(4)
    after_one = whole_database()

    report = scrub_members(keep=4)

    assert whole_database() == after_one
    assert "profiles." not in report


def test_the_search_finds_the_new_people_alone(society, client, staff):
    new = {row[2] for row in kept(8)}
    client.force_login(staff)

    call_command("index_profiles", check=True, stdout=io.StringIO())
    for name in new - {""}:
        assert name in client.get(reverse("directory"), {"q": name}).text
    assert "Nobody" in client.get(reverse("directory"), {"q": "lighthouses"}).text


def test_nobody_logs_in_with_the_password_of_a_member(society, client, staff):
    """That of the staff is the control."""
    [(_, email, *_)] = kept(1)

    for address, status in ((email, 200), (staff.email, 302)):
        data = {"login": address, "password": PASSWORD}
        assert client.post(reverse("account_login"), data).status_code == status
    assert not User.objects.get(email=email).has_usable_password()


def test_relations_stay_whole(society, staff):
    """Openings by members who stay, or of their resumes, stay; departed members are in none."""
    readers = list(User.objects.all())
    for owner in readers:
        for member in readers:
            ResumeDownload.objects.create(profile=owner.profile, member=member)

    kept(3)

    assert ResumeDownload.objects.count() == 4 * 10  # of 4 resumes, by as many as before
    assert ResumeDownload.objects.exclude(member=None).count() == 4 * 4


def test_what_is_older_than_a_year_goes(society, staff):
    for days in (400, 300):
        opened = timezone.now() - timedelta(days=days)
        ResumeDownload.objects.create(profile=staff.profile, member=staff, opened_at=opened)

    scrub_members()

    [download] = ResumeDownload.objects.all()
    assert download.opened_at == opened


def test_rows_that_name_nobody_are_nobody_s_who_is_deleted(society, staff, monkeypatch):
    """As openings by former members, in a project that deletes those of the departed."""
    ResumeDownload.objects.create(profile=staff.profile, member=None)
    ResumeDownload.objects.create(profile=staff.profile, member=society[0])
    decision = RULES.decisions["profiles.ResumeDownload"]
    decision = decision._replace(
        deleted_rows=of_departed("member"), kept="id profile member", cleared={}
    )
    decisions = RULES.decisions | {"profiles.ResumeDownload": decision}
    monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, decisions=decisions))
    monkeypatch.setattr("django.conf.settings.SCRUB_RULES", f"{__name__}.RULES")

    scrub_members()

    assert ResumeDownload.objects.get().member is None


def test_times_are_of_the_same_month(society):
    before = dict(User.objects.values_list("pk", "date_joined"))

    kept(4)

    after = dict(User.objects.filter(is_staff=False).values_list("pk", "date_joined"))
    for pk, joined in after.items():
        assert joined != before[pk]
        assert (joined.year, joined.month) == (before[pk].year, before[pk].month)
    assert len({joined.time() for joined in after.values()}) == 4


def test_a_resume_has_as_many_pages_as_the_row_says(society):
    kept(9)

    for profile in Profile.objects.exclude(resume=""):
        with profile.resume.open() as file, Pdf.open(file) as pdf:
            assert len(pdf.pages) == profile.resume_pages
            assert profile.resume.size == profile.resume_bytes
            assert str(pdf.docinfo.Title) == profile.name


def test_the_texts_of_resumes_are_replaced_with_them(society):
    """Members would be found by words that are in no resume of the site any more."""
    for profile in Profile.objects.exclude(resume=""):
        ResumeText.objects.create(profile=profile, source=profile.resume.name, text="Wisniewska")

    kept(9)

    found = list(ResumeText.objects.select_related("profile"))
    assert [each.source for each in found] == [each.profile.resume.name for each in found]
    assert found
    assert [each for each in found if "Wisniewska" in each.text] == []


def test_a_resume_of_a_former_refresh_follows_its_row(society):
    """The member has another name and another resume by now, and so has who stands in."""
    kept(9)
    Profile.objects.exclude(resume="").update(name="A much longer name than before", resume_pages=7)

    kept(9)

    for profile in Profile.objects.exclude(resume=""):
        with profile.resume.open() as file, Pdf.open(file) as pdf:
            assert (len(pdf.pages), str(pdf.docinfo.Title)) == (7, profile.name)
        assert profile.resume.size == profile.resume_bytes


def test_every_file_that_a_row_names_is_there(society):
    kept(9)

    for profile in Profile.objects.all():
        for field in ("avatar", "avatar_small", "resume", "resume_picture"):
            file = getattr(profile, field)
            assert not file or file.storage.exists(file.name)


@pytest.mark.parametrize(("model", "column"), [(Profile, "name"), (User, "email")])
def test_a_name_or_address_that_somebody_has_on_live_is_refused(
    society, monkeypatch, model, column
):
    """However improbable it is: nothing changes, and the message says what to do."""
    make_member("alice@society.example", name="Alice Kyteler", is_staff=True)
    taken = {"name": "Alice Kyteler", "email": "alice@society.example"}[column]
    scrub_with(monkeypatch, model, column, lambda row, column: taken)
    before = whole_database()

    with pytest.raises(CommandError, match=rf"invented for {model._meta.label}\.{column}"):
        scrub_members(keep=3)

    assert whole_database() == before


def test_a_name_that_is_still_to_be_replaced_is_refused(society, monkeypatch):
    """The first two people get the name of one whose turn comes later."""
    last = Profile.objects.filter(user__in=society).order_by("pk").last()
    rule = lambda row, column: "Bakodu Tirena" if row.pk == last.pk else last.name  # noqa: E731
    scrub_with(monkeypatch, Profile, "name", rule)

    with pytest.raises(CommandError, match=r"invented for profiles\.Profile\.name"):
        scrub_members(keep=1000)


def test_two_people_may_get_one_invented_name(society, monkeypatch):
    """As two people of live may have one. A repeated run finds both, and neither is of live."""
    scrub_with(monkeypatch, Profile, "name", lambda row, column: "Bakodu Tirena")

    once = kept(3)

    assert {row[2] for row in once} == {"Bakodu Tirena"}
    assert kept(3) == once


def scrub_with(monkeypatch, model, column, rule):
    """Let the scrub replace a column by another rule."""
    decision = RULES.decisions[model._meta.label]
    changed = decision._replace(replaced=decision.replaced | {column: rule})
    decisions = RULES.decisions | {model._meta.label: changed}
    monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, decisions=decisions))
    monkeypatch.setattr("django.conf.settings.SCRUB_RULES", f"{__name__}.RULES")


def test_rules_without_people_refuse_to_keep_some(society, monkeypatch):
    monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, people=None))
    monkeypatch.setattr("django.conf.settings.SCRUB_RULES", f"{__name__}.RULES")

    with pytest.raises(CommandError, match="does not say whose rows are people"):
        scrub_members(keep=3)


def test_a_column_with_two_decisions_is_refused(society, monkeypatch):
    decision = RULES.decisions["profiles.Profile"]
    twice = decision._replace(kept=f"{decision.kept} bio")
    decisions = RULES.decisions | {"profiles.Profile": twice}
    monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, decisions=decisions))
    monkeypatch.setattr("django.conf.settings.SCRUB_RULES", f"{__name__}.RULES")

    with pytest.raises(CommandError, match=r"profiles\.Profile\.bio"):
        scrub_members(keep=3)


def test_members_who_have_agreed_stay_as_they_are(society):
    agreed = Profile.objects.get(name="Zuzanna Wisniewska 3")
    Profile.objects.filter(pk=agreed.pk).update(use_for_tests=True)
    before = people()

    rows = kept(2, keep_consenting=True)

    assert [row for row in rows if row[0] == agreed.user_id] == [
        row for row in before if row[0] == agreed.user_id
    ]
    assert len(rows) == 3


def test_their_agreement_counts_only_if_it_is_asked_for(society):
    """Then it is not said of the people who take their places either."""
    Profile.objects.update(use_for_tests=True)

    rows = kept(2)

    assert "Wisniewska" not in str(rows)
    assert not Profile.objects.filter(~Q(user__is_staff=True), use_for_tests=True).exists()


def test_a_member_agrees_on_the_own_page(society, client):
    member = User.objects.filter(is_staff=False, is_active=True)[0]
    client.force_login(member)
    assert "Use my profile for tests" in client.get(reverse("edit-me")).text
    sent = {"name": member.profile.name, "visibility": "members", "use_for_tests": "on"}

    client.post(reverse("edit-me"), sent)

    member.profile.refresh_from_db()
    assert member.profile.use_for_tests
