"""What the page for files by the hundred has and answers, exactly. Catalogue row N2."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from profiles.batches import saving, views
from profiles.batches.models import BatchFile, delete_old_reports
from profiles.batches.saving import purpose_of, receive
from profiles.models import Profile, StoredUpload, User
from profiles.uploads.forms import BUSY_SECONDS
from profiles.uploads.turns import Busy
from tests.conftest import make_member
from tests.support import samples

from .test_files import PAGE, SAVE, SEND, files, form, photo, profile_of, resume, save, send

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def said(page) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in page.context["messages"]]


@pytest.mark.parametrize(
    ("name", "content", "purpose"),
    [
        ("a.jpg", b"%PDF-1.7", "resume"),
        ("a.jpg", b"x" * 1019 + b"%PDF-", "resume"),
        ("a.jpg", b"x" * 1020 + b"%PDF-", "avatar"),
        ("a.PDF", b"anything", "resume"),
        ("a.pdf.jpg", b"anything", "avatar"),
        (None, b"anything", "avatar"),
    ],
)
def test_a_pdf_is_told_by_its_beginning_or_its_name(name, content, purpose):
    file = SimpleUploadedFile("x", content)
    file._name = name

    assert purpose_of(file) == purpose
    assert file.read() == content


def test_a_file_without_a_name_is_for_nobody(clerk):
    found = receive(clerk, ContentFile(samples.jpeg()))

    assert (found.filename, found.how, found.upload.purpose) == ("", "nobody", "avatar")


def test_each_file_is_recorded_with_whom_it_means(desk, clerk, member):
    ann = [make_member(f"ann{i}@example.org", name="Ann Lee") for i in (1, 2)]
    send(
        desk,
        photo("Ada Lovelace.jpg"),
        resume("Ada Lovelace Berlin.pdf"),
        photo("Ann Lee.jpg"),
        photo("IMG_1.jpg"),
        SimpleUploadedFile("Bad.pdf", b"no PDF"),
    )

    found = files(desk)

    assert {
        name: (each.profile and each.profile.user.email, each.how, each.candidates)
        for name, each in found.items()
    } == {
        "Ada Lovelace.jpg": ("ada@example.org", "certain", []),
        "Ada Lovelace Berlin.pdf": ("ada@example.org", "likely", []),
        "Ann Lee.jpg": (None, "ambiguous", [user.profile.pk for user in ann]),
        "IMG_1.jpg": (None, "nobody", []),
        "Bad.pdf": (None, "", []),
    }
    assert {each.owner for each in found.values()} == {clerk}
    purposes = {name: each.upload and each.upload.purpose for name, each in found.items()}
    assert list(purposes.values()) == ["avatar", "resume", "avatar", "avatar", None]
    assert {each.owner for each in StoredUpload.objects.all()} == {clerk}
    assert found["Bad.pdf"].shown_refusal.startswith("This is not a PDF")


def test_what_the_page_has(desk, clerk, staff, owner, member, settings):
    nameless = make_member("new@example.org", is_active=False)
    settings.AVATAR_MAX_BYTES, settings.RESUME_MAX_BYTES = 2_000_000, 1_000_000
    send(desk, photo("Mary Somerville.jpg"), SimpleUploadedFile("Bad.jpg", b"no"))

    page = desk.get(PAGE)

    assert page.context["title"] == "Photos and resumes"
    assert page.context["most_bytes"] == 2_000_000
    [shown], [refused] = page.context["files"], page.context["refused"]
    assert (shown.label, shown.choices) == ("Mary Somerville <mary@example.org>", [])
    assert (shown.problem, shown.is_ticked) == ("", False)
    assert (refused.filename, refused.label) == ("Bad.jpg", "")
    labels = ["Ada Lovelace <ada@example.org>", "Mary Somerville <mary@example.org>"]
    assert page.context["members"] == [*labels, nameless.email]
    assert page.text.count("Replace it: there is a photo already") == 1

    User.objects.filter(pk=clerk.pk).update(is_superuser=True)
    everybody = desk.get(PAGE).context["members"]
    assert everybody == [
        "Ada Lovelace <ada@example.org>",
        "Clerk <clerk@example.org>",
        "Mary Somerville <mary@example.org>",
        "Staff <staff@example.org>",
        "new@example.org",
    ]


def test_the_page_offers_no_more_members_than_a_browser_can_take(desk, member, owner, monkeypatch):
    monkeypatch.setattr(views, "MEMBERS_OFFERED", 1)

    assert desk.get(PAGE).context["members"] == ["Ada Lovelace <ada@example.org>"]


@pytest.mark.parametrize("more", [{}, {"fragment": "1"}])
def test_nothing_chosen_says_so(desk, more):
    page = desk.post(SEND, more, follow=True)

    assert page.redirect_chain == [(PAGE, 302)]
    assert said(page) == [("error", "Please choose files.")]


def test_files_of_the_form_lead_back_to_the_page_without_a_word(desk, member):
    answer = desk.post(SEND, {"files": [photo("a.jpg")]}, follow=True)

    assert answer.redirect_chain == [(PAGE, 302)]
    assert said(answer) == []


def test_the_row_for_the_script_has_those_among_whom_to_choose(desk):
    for i in (1, 2):
        make_member(f"ann{i}@example.org", name="Ann Lee")

    answer = send(desk, photo("Ann Lee.jpg"), fragment="")

    assert answer.status_code == 201
    for each in ("Ann Lee &lt;ann1@example.org&gt;", "Ann Lee &lt;ann2@example.org&gt;"):
        assert each in answer.text
    assert answer.text.count("<li") == 1


@pytest.mark.parametrize(("more", "seconds"), [({"fragment": "1"}, 5), ({}, BUSY_SECONDS)])
def test_a_busy_site_says_when_to_come_again(desk, monkeypatch, more, seconds):
    def busy(*args):
        raise Busy

    monkeypatch.setattr(StoredUpload, "receive", busy)

    answer = send(desk, photo("a.jpg"), photo("b.jpg"), **more)

    assert (answer.status_code, answer["Retry-After"]) == (503, str(seconds))
    if not more:
        words = "The site is busy. Please choose these again: a.jpg, b.jpg."
        assert said(answer) == [("error", words)]


def test_saving_tells_how_many_and_why_not(desk, owner, member):
    send(desk, photo("Ada Lovelace.jpg"), photo("Mary Somerville.jpg"), photo("IMG_1.jpg"))
    send(desk, resume("Ada Lovelace.pdf"), resume("Mary Somerville.pdf"))
    found = files(desk)
    ticked = {f"replace-{found['IMG_1.jpg'].pk}": "on"}

    page = desk.post(SAVE, {"save": "1", **form(desk), **ticked})

    assert page.status_code == 200
    assert said(page) == [
        ("success", "Saved: 2."),
        ("warning", "Not saved: 3. Each says why below."),
    ]
    assert {each.filename: (each.problem, each.is_ticked) for each in page.context["files"]} == {
        "Mary Somerville.jpg": (
            "There is a photo already. Tick “Replace it” to do so.", False
        ),
        "IMG_1.jpg": ("Please choose the member.", True),
        "Mary Somerville.pdf": (
            "There is a resume already. Tick “Replace it” to do so.", False
        ),
    }  # fmt: skip
    assert (profile_of(member).resume_pages, bool(profile_of(member).avatar)) == (1, True)


def test_saving_nothing_says_nothing(desk):
    page = desk.post(SAVE, {"save": "1"}, follow=True)

    assert (page.redirect_chain, said(page)) == ([(PAGE, 302)], [])


@pytest.mark.parametrize(
    ("moments", "words"),
    [
        ([0, 15, 15.1], "2 more are ready. Please save once more."),
        ([0, 15, 15, 15.1], "1 more is ready. Please save once more."),
    ],
)
def test_a_request_saves_for_fifteen_seconds(
    desk, member, other_member, monkeypatch, moments, words
):
    make_member("mary@example.org", name="Mary Somerville")
    send(
        desk,
        *(photo(f"{name}.jpg") for name in ("Ada Lovelace", "Grace Hopper", "Mary Somerville")),
    )
    monkeypatch.setattr(saving, "time", Clock(moments))

    page = save(desk)

    assert said(page) == [("success", f"Saved: {len(moments) - 2}."), ("info", words)]


class Clock:
    def __init__(self, moments):
        self.moments = iter(moments)

    def monotonic(self):
        return next(self.moments)


def test_the_history_of_the_member_has_each_file(desk, clerk, member):
    send(desk, photo("Ada Lovelace.jpg"), resume("Ada Lovelace.pdf"))

    save(desk)

    entries = LogEntry.objects.filter(object_id=str(member.pk)).order_by("pk")
    assert [(entry.user, entry.action_flag) for entry in entries] == [(clerk, CHANGE)] * 2
    User.objects.filter(pk=clerk.pk).update(is_superuser=True)
    history = desk.get(f"/admin/profiles/user/{member.pk}/history/").text
    for words in ("Set the photo from the file “Ada Lovelace.jpg”.",
                  "Set the resume from the file “Ada Lovelace.pdf”."):  # fmt: skip
        assert words in history


def test_a_saved_file_is_on_the_profile_with_all_that_was_made_of_it(desk, owner):
    former = profile_of(owner)
    send(desk, photo("Mary Somerville.jpg"), resume("Mary Somerville.pdf"))
    uploads = {each.purpose: each for each in StoredUpload.objects.all()}
    ticked = {f"replace-{each.pk}": "on" for each in files(desk).values()}

    page = save(desk, **ticked)

    assert said(page) == [("success", "Saved: 2.")]
    profile = profile_of(owner)
    assert profile.resume.name == uploads["resume"].file.name != former.resume.name
    assert profile.resume_picture.name == uploads["resume"].picture.name
    assert (profile.resume_pages, profile.resume_bytes) == (1, len(samples.pdf()))
    assert len({profile.avatar.name, former.avatar.name, profile.avatar_small.name}) == 3
    assert profile.updated_at > former.updated_at
    assert profile.name == former.name


@pytest.mark.parametrize(
    ("typed", "candidate", "after"),
    [
        (None, None, ("ada@example.org", "likely", 0)),
        ("Ada Lovelace <ada@example.org>", None, ("ada@example.org", "likely", 0)),
        ("  Ada Lovelace <ada@example.org> ", None, ("ada@example.org", "likely", 0)),
        (" grace hopper ", None, ("grace@example.org", "chosen", 0)),
        ("ada@example.org", None, ("ada@example.org", "chosen", 0)),
        ("Ann Lee", None, (None, "ambiguous", 2)),
        ("Ann Lee", "Ann Lee <ann1@example.org>", (None, "ambiguous", 2)),
        ("", "Ann Lee <ann2@example.org>", ("ann2@example.org", "chosen", 0)),
        ("  ", "Ann Lee <ann2@example.org>", ("ann2@example.org", "chosen", 0)),
        ("", "", (None, "nobody", 0)),
        ("Nobody", None, (None, "nobody", 0)),
        ("staff@example.org", None, (None, "nobody", 0)),
        ("Staff", None, (None, "nobody", 0)),
    ],
)
def test_a_match_becomes_what_is_typed(desk, staff, member, other_member, typed, candidate, after):
    for i in (1, 2):
        make_member(f"ann{i}@example.org", name="Ann Lee")
    send(desk, photo("Ada Lovelace Berlin.jpg"))
    pk = BatchFile.objects.get().pk
    fields = {f"member-{pk}": typed, f"candidate-{pk}": candidate}

    answer = desk.post(
        SAVE, {"look": "1", **{name: value for name, value in fields.items() if value is not None}}
    )

    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    found = BatchFile.objects.get()
    email, how, candidates = after
    assert (found.profile and found.profile.user.email, found.how) == (email, how)
    assert len(found.candidates) == candidates
    assert not Profile.objects.exclude(avatar="").exists()


def test_looking_again_costs_no_more_than_what_has_changed(desk, member, django_assert_num_queries):
    send(desk, photo("Ada Lovelace.jpg"))
    fields = form(desk)

    with django_assert_num_queries(5):
        desk.post(SAVE, {"look": "1", **fields})


def test_one_who_may_not_have_it_any_more_is_no_candidate(desk):
    """A member who was deleted meanwhile is left out of the choices."""
    ann = [make_member(f"ann{i}@example.org", name="Ann Lee") for i in (1, 2)]
    send(desk, photo("Ann Lee.jpg"))
    ann[0].delete()

    [shown] = desk.get(PAGE).context["files"]
    assert shown.choices == ["Ann Lee <ann2@example.org>"]


def test_a_file_of_somebody_else_is_not_taken_away(desk, staff):
    send(desk, photo("a.jpg"), SimpleUploadedFile("b.jpg", b"no"))
    other = Client()
    other.force_login(staff)

    for forget in (*BatchFile.objects.values_list("pk", flat=True), "all"):
        other.post(SAVE, {"forget": forget})
    assert set(files(desk)) == {"a.jpg", "b.jpg"}

    refused = files(desk)["b.jpg"]
    answer = desk.post(SAVE, {"forget": refused.pk, "save": "1", **form(desk)})
    assert answer["Location"] == PAGE
    assert set(files(desk)) == {"a.jpg"}


@pytest.mark.parametrize(("is_over", "count"), [(True, 0), (False, 2)])
def test_files_and_reports_are_kept_for_an_hour(
    desk, member, monkeypatch, settings, is_over, count
):
    settings.UPLOAD_KEPT_SECONDS = 3600
    now = timezone.now()
    send(desk, photo("Ada Lovelace.jpg"), SimpleUploadedFile("Bad.jpg", b"no"))
    StoredUpload.objects.update(expires_at=now + timedelta(seconds=3600))
    # An upload counts by its own time, and a report by when it was made.
    BatchFile.objects.filter(upload=None).update(created_at=now)
    BatchFile.objects.exclude(upload=None).update(created_at=now - timedelta(days=1))
    later = now + timedelta(seconds=3600 if is_over else 3599)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert BatchFile.objects.kept(User.objects.get(email="clerk@example.org")).count() == count
    removed = (
        "1 reports of refused files removed" if is_over else "0 reports of refused files removed"
    )
    assert delete_old_reports() == removed
    assert BatchFile.objects.count() == (1 if is_over else 2)
    assert StoredUpload.objects.count() == 1


def test_files_are_shown_in_the_order_in_which_they_came(desk):
    names = ["c.jpg", "a.jpg", "b.jpg"]
    send(desk, *map(photo, names))

    assert [each.filename for each in desk.get(PAGE).context["files"]] == names


@pytest.mark.parametrize(
    ("purpose", "has", "replaces"),
    [("avatar", "avatar", True), ("avatar", "resume", False), ("resume", "resume", True)],
)
def test_a_file_replaces_one_of_its_kind(staff, member, purpose, has, replaces):
    Profile.objects.filter(user=member).update(**{has: "x"})
    upload = StoredUpload(owner=staff, purpose=purpose)
    profile = profile_of(member)

    assert BatchFile(upload=upload, profile=profile).replaces is replaces
    assert BatchFile(upload=upload, profile=None).replaces is False
    assert BatchFile(upload=None, profile=profile).replaces is False
