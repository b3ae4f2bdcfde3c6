"""What a person has chosen is received once; forms only name it, and lose none of it."""

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from portal.files import sweeping
from profiles.models import StoredUpload
from profiles.uploads import forms, sandbox, stored, views
from profiles.uploads.pending import PendingFile
from profiles.uploads.turns import Busy
from tests.profiles.test_admin import change
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def a_photo():
    return ContentFile(samples.jpeg(), name="me.jpg")


def a_resume(pages=1):
    return ContentFile(samples.pdf(pages=pages), name="cv.pdf")


def files():
    """The names of all stored files."""
    return {
        file.name
        for alias in ("default", "protected")
        for file in sweeping.listing(storages[alias])
    }


def files_of(profile):
    profile.refresh_from_db()
    fields = (profile.avatar, profile.avatar_small, profile.resume, profile.resume_picture)
    return {field.name for field in fields if field}


def send(client, purpose, file, **data):
    return client.post(reverse("upload", args=[purpose]), {"file": file, **data})


def save(client, **data):
    return client.post("/me/edit/", {"name": "Ada", "visibility": "members", **data})


@pytest.fixture(autouse=True)
def on_commit_at_once(monkeypatch):
    """Files are deleted as after each request, though the test's transaction never commits."""
    monkeypatch.setattr(transaction, "on_commit", lambda action, **options: action())
    monkeypatch.setattr("django_cleanup.handlers.on_commit", lambda action, using=None: action())


@pytest.fixture
def logged_in(client, member):
    client.force_login(member)
    return client


def test_a_chosen_file_is_named_by_its_form(logged_in, member):
    photo = send(logged_in, "avatar", a_photo()).json()
    resume = send(logged_in, "resume", a_resume(pages=3)).json()
    assert files_of(member.profile) == set()
    assert resume["ready"] == "cv.pdf (3 pages) is ready. It takes effect when you save."

    save(logged_in, **{"avatar-stored": photo["pk"], "resume-stored": resume["pk"]})

    assert files_of(member.profile) == files()
    assert len(files()) == 4
    assert member.profile.resume_pages == 3
    assert not StoredUpload.objects.exists()


def test_a_form_with_an_error_keeps_the_chosen_files_and_says_so(logged_in, member):
    """Without JavaScript: the files came with the form."""
    page = save(logged_in, avatar=a_photo(), resume=a_resume(), visibility="nobody")

    assert "<bdi>me.jpg</bdi> is kept. It takes effect when you save." in page.text
    assert "<bdi>cv.pdf</bdi> is kept. It takes effect when you save." in page.text
    kept = {upload.purpose: upload.pk for upload in StoredUpload.objects.all()}
    save(logged_in, **{f"{purpose}-stored": pk for purpose, pk in kept.items()})
    assert len(files_of(member.profile)) == 4
    assert files() == files_of(member.profile)


def test_a_photo_that_comes_with_its_form_is_cut_as_the_form_says(logged_in, member):
    """Without JavaScript: percentages in inputs beside the file."""
    page = save(logged_in, avatar=a_photo(), **{"avatar-zoom": "99"})
    assert page.context["form"].has_error("avatar", "crop")
    cut = {"avatar-x": "0", "avatar-y": "0", "avatar-zoom": "400"}

    assert save(logged_in, avatar=a_photo(), **cut).status_code == 302

    member.profile.refresh_from_db()
    with member.profile.avatar.open() as photo:
        assert Image.open(photo).size == (120, 120), "a quarter of 480 pixels"


def test_a_wrong_file_does_not_cost_the_other(logged_in, member):
    page = save(logged_in, avatar=a_photo(), resume=ContentFile(b"no", name="cv.pdf"))

    assert "This is not a PDF." in page.text
    assert "<bdi>me.jpg</bdi> is kept" in page.text
    assert not files_of(member.profile)
    assert list(sweeping.listing(storages["default"])) == []  # public once the form is saved


def test_a_photo_is_public_only_once_its_form_is_saved(logged_in, member):
    send(logged_in, "avatar", a_photo())

    assert list(sweeping.listing(storages["default"])) == []


@pytest.mark.parametrize("whose", ["expired", "another's", "of another purpose", "nobody's"])
def test_what_is_not_the_member_s_to_name_is_refused(logged_in, member, other_member, whose):
    """The control is test_a_chosen_file_is_named_by_its_form."""
    owner = other_member if whose == "another's" else member
    purpose = "avatar" if whose == "of another purpose" else "resume"
    file = a_photo() if purpose == "avatar" else a_resume()
    upload = StoredUpload.receive(owner, purpose, file)
    if whose == "expired":
        StoredUpload.objects.update(expires_at=timezone.now())
    pk = "9" * 30 if whose == "nobody's" else upload.pk

    page = save(logged_in, **{"resume-stored": pk})

    assert str(forms.EXPIRED) in page.text
    assert page.context["form"].has_error("resume", "expired")
    assert not files_of(member.profile)


def test_only_its_owner_sees_what_was_chosen(client, member, staff):
    upload = StoredUpload.receive(member, "avatar", a_photo())
    address = reverse("upload-picture", args=[upload.pk])

    client.force_login(staff)
    assert client.get(address).status_code == 404
    client.force_login(member)
    link = client.get(address)
    assert link.status_code == 302
    assert "no-store" in link["Cache-Control"]
    assert link["Referrer-Policy"] == "no-referrer"
    assert b"".join(client.get(link["Location"]).streaming_content)[8:12] == b"WEBP"
    StoredUpload.objects.update(expires_at=timezone.now())
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(("is_staff", "refused"), [(False, True), (True, False)])
def test_a_member_stores_so_many_at_a_time(
    client, member, other_member, settings, is_staff, refused
):
    settings.UPLOADS_KEPT, settings.STAFF_UPLOADS_KEPT = 2, 50
    member.is_staff = is_staff
    member.save()
    StoredUpload.receive(other_member, "resume", a_resume())  # counts for its owner alone
    client.force_login(member)

    answers = [send(client, "resume", a_resume()) for _ in range(3)]

    assert ("error" in answers[2].json()) is refused
    assert "error" not in answers[1].json()


def test_another_choice_replaces_the_one_before(logged_in, other_member):
    """A photo that is cut anew; somebody else's is left alone."""
    first = send(logged_in, "resume", a_resume()).json()["pk"]
    foreign = StoredUpload.receive(other_member, "resume", a_resume())

    send(logged_in, "resume", a_resume(pages=2), replaces=first)
    second = send(logged_in, "resume", a_resume(pages=2), replaces=foreign.pk).json()["pk"]

    assert not StoredUpload.objects.filter(pk=first).exists()
    assert StoredUpload.objects.filter(pk__in=[second, foreign.pk]).count() == 2


def test_what_nobody_saved_is_deleted_after_its_time(logged_in, monkeypatch, capsys):
    """The nightly step; the young are the control."""
    for purpose, file in (("avatar", a_photo()), ("resume", a_resume())):
        send(logged_in, purpose, file)
    call_command("delete_expired_uploads")
    assert len(files()) == 4

    later = timezone.now() + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    call_command("delete_expired_uploads")

    assert files() == set()
    assert capsys.readouterr().out.splitlines() == [
        "Deleted 0 expired uploads.",
        "Deleted 2 expired uploads.",
    ]
    PendingFile.objects.create(field="profiles.Profile.avatar", name="avatars/x.webp")
    PendingFile.objects.update(started_at=later - timedelta(hours=1))
    call_command("delete_expired_uploads")
    assert capsys.readouterr().out.splitlines() == [
        "Deleted 0 expired uploads.",
        "Deleted 1 files of processes that were killed.",
    ]
    assert not PendingFile.objects.exists()


def test_an_upload_about_to_be_saved_is_not_deleted(logged_in):
    """A form that named it in time may be waiting for its row."""
    pk = send(logged_in, "resume", a_resume()).json()["pk"]
    StoredUpload.objects.update(expires_at=timezone.now() - stored.SAVING_TIME / 2)

    call_command("delete_expired_uploads")

    assert StoredUpload.objects.filter(pk=pk).exists()


def test_to_remove_and_to_choose_is_a_contradiction(logged_in, owner):
    logged_in.force_login(owner)
    before = files_of(owner.profile)
    pk = send(logged_in, "resume", a_resume()).json()["pk"]

    page = save(logged_in, **{"resume-stored": pk, "resume-clear": "on"})

    assert "not both" in page.text
    assert page.context["form"].has_error("resume", "contradiction")
    assert files_of(owner.profile) == before


def test_to_remove_a_file_removes_what_was_made_of_it(client, owner):
    client.force_login(owner)

    save(client, **{"resume-clear": "on", "avatar-clear": "on"})

    assert files_of(owner.profile) == files() == set()
    assert owner.profile.resume_pages is owner.profile.resume_bytes is None


@pytest.mark.parametrize("sent", ["by the script", "with the form", "by the staff"])
def test_a_busy_site_says_so_at_once(logged_in, member, staff, monkeypatch, sent):
    calls = []

    def busy(*arguments, **request):
        calls.append(arguments)
        raise Busy

    monkeypatch.setattr(sandbox, "parse", busy)

    if sent == "by the script":
        answer = send(logged_in, "resume", a_resume())
        words = json.loads(answer.content)["error"]
    elif sent == "with the form":
        answer = save(logged_in, resume=a_resume())
        words = answer.text
    else:
        logged_in.force_login(staff)
        address = reverse("admin:profiles_user_change", args=[member.pk])
        answer = logged_in.post(address, change(member, resume=a_resume()))
        words = answer.text

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert str(forms.BUSY) in words
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a\x00b\u202efdp.pdf", "abfdp.pdf"),
        ("/home/ada/cv.pdf", "cv.pdf"),
        ("x" * 96 + ".pdf", "x" * 96 + ".pdf"),
        ("x" * 97 + ".pdf", "x" * 94 + "…x.pdf"),
    ],
)
def test_a_name_is_kept_as_its_owner_can_read_it(member, sent, shown):
    """Django cuts a path off what a browser sends; a script sends what it likes."""
    file = ContentFile(samples.pdf(), name="x")
    file.name = sent

    upload = StoredUpload.receive(member, "resume", file)

    assert upload.filename == shown


@pytest.mark.parametrize("purpose", ["avatar", "resume"])
def test_a_machine_that_is_too_slow_is_busy_and_no_file_too_complicated(
    logged_in, monkeypatch, purpose
):
    """The child's own limits are on its processor time: test_confinement.py."""
    monkeypatch.setattr(sandbox, "WORK_SECONDS", 0.001)
    content = samples.jpeg((99, 99)) if purpose == "avatar" else samples.pdf(text="slow")

    answer = send(logged_in, purpose, ContentFile(content, name="mine"))

    assert answer.status_code == 503
    assert answer.json()["error"] == forms.BUSY


@pytest.mark.parametrize("purpose", ["avatar", "resume"])
def test_a_refusal_is_a_sentence(logged_in, purpose):
    answer = send(logged_in, purpose, ContentFile(samples.HTML, name="x.html"))

    assert answer.json()["error"].startswith("This is not a ")
    assert files() == set()


def test_the_admin_keeps_what_was_chosen_too(client, staff, member):
    client.force_login(staff)
    address = reverse("admin:profiles_user_change", args=[member.pk])
    form = {
        "email": "not an address",
        "initial-email": member.email,
        "is_active": "on",
        "profile-TOTAL_FORMS": "1",
        "profile-INITIAL_FORMS": "1",
        "profile-0-id": member.profile.pk,
        "profile-0-user": member.pk,
        "profile-0-name": "Ada",
        "profile-0-visibility": "members",
    }

    page = client.post(
        address, form | {"profile-0-avatar": a_photo(), "profile-0-resume": a_resume()}
    )
    assert "<bdi>me.jpg</bdi> is kept" in page.text
    kept = {f"profile-0-{u.purpose}-stored": u.pk for u in StoredUpload.objects.all()}
    answer = client.post(address, form | kept | {"email": member.email})

    assert answer.status_code == 302
    assert len(files_of(member.profile)) == 4
    assert files() == files_of(member.profile)


def test_the_first_page_is_shown_to_the_owner_and_the_staff_alone(client, rf, owner, member, staff):
    address = reverse("resume-picture", args=[owner.profile.pk])
    statuses = {}
    for name, user in (("owner", owner), ("staff", staff), ("member", member)):
        client.force_login(user)
        page = client.get(owner.profile.get_absolute_url())
        picture = client.get(address)
        assert "no-store" in picture["Cache-Control"]
        statuses[name] = picture.status_code, address in page.text

    assert statuses == {"owner": (302, True), "staff": (302, True), "member": (404, False)}
    request = rf.get(address)  # past the middleware, which says so of all pages of members
    request.user = owner
    answer = views.resume_picture(request, owner.profile.pk)
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"


def test_a_list_shows_small_photos(client, owner, member):
    client.force_login(member)

    page = client.get("/members/")

    small, large = owner.profile.avatar_small.url, owner.profile.avatar.url
    assert f'srcset="{small} 96w, {large} 512w"' in page.text
