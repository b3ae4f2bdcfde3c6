"""Files by the hundred, as the staff choose, look at and save them. Catalogue row N2."""

import io
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from profiles.batches import saving
from profiles.batches.models import BatchFile
from profiles.models import Profile, StoredUpload
from profiles.uploads.turns import Busy
from tests.conftest import make_member
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PAGE = "/admin/profiles/user/files/"
SEND, SAVE = f"{PAGE}send/", f"{PAGE}save/"


def photo(name):
    return SimpleUploadedFile(name, samples.jpeg((200, 200)))


def resume(name):
    return SimpleUploadedFile(name, samples.pdf())


def send(client, *files, **more):
    return client.post(SEND, {"files": files, **more})


def form(client) -> dict[str, str]:
    """The fields of the page as a browser would send them, nothing ticked."""
    page = client.get(PAGE).content.decode()
    values = re.findall(r'name="(member-\d+)" value="([^"]*)"', page)
    return {name: value.replace("&lt;", "<").replace("&gt;", ">") for name, value in values}


def save(client, **more):
    return client.post(SAVE, {"save": "1", **form(client), **more}, follow=True)


def files(client) -> dict[str, BatchFile]:
    context = client.get(PAGE).context
    return {each.filename: each for each in [*context["files"], *context["refused"]]}


def profile_of(user) -> Profile:
    return Profile.objects.get(user=user)


def test_files_are_matched_and_shown_and_then_saved(desk, member, other_member):
    """N2: nothing is saved before it is confirmed."""
    send(
        desk,
        photo("lovelace_ada.jpg"),
        resume("Ada Lovelace CV.pdf"),
        photo("grace hopper (1).jpg"),
    )

    shown = files(desk)
    assert {name: each.profile.user.email for name, each in shown.items()} == {
        "lovelace_ada.jpg": "ada@example.org",
        "Ada Lovelace CV.pdf": "ada@example.org",
        "grace hopper (1).jpg": "grace@example.org",
    }
    page = desk.get(PAGE).content.decode()
    assert page.count(f'src="/me/uploads/{shown["lovelace_ada.jpg"].upload_id}/picture/"') == 1
    assert not profile_of(member).avatar

    page = save(desk)

    assert "Saved: 3." in page.content.decode()
    assert profile_of(member).avatar
    assert profile_of(member).resume_pages == 1
    assert profile_of(other_member).avatar_small
    assert not BatchFile.objects.exists()
    assert not StoredUpload.objects.exists()


@pytest.mark.parametrize("name", ["Ada Lovelace.txt", "Ada Lovelace.jpg"])
def test_a_pdf_is_a_resume_whatever_its_name(desk, member, name):
    send(desk, resume(name))

    save(desk)

    assert profile_of(member).resume
    assert not profile_of(member).avatar


def test_a_wrong_match_is_mended_by_choosing(desk, member, other_member):
    send(desk, photo("Ada Lovelace.jpg"))
    [name] = form(desk)

    save(desk, **{name: "Grace Hopper <grace@example.org>"})

    assert profile_of(other_member).avatar
    assert not profile_of(member).avatar


@pytest.mark.parametrize("typed", ["", "Nobody of this name"])
def test_a_match_is_taken_back_by_emptying_it(desk, member, typed):
    send(desk, photo("Ada Lovelace.jpg"))
    [name] = form(desk)

    assert desk.post(SAVE, {"look": "1", name: typed}).status_code == 302

    [file] = files(desk).values()
    assert (file.profile, file.how) == (None, "nobody")


def test_a_file_for_nobody_is_left_and_says_so(desk, member):
    send(desk, photo("IMG_1.jpg"), photo("Ada Lovelace.jpg"))

    page = save(desk)

    assert "Please choose the member." in page.content.decode()
    assert "Saved: 1." in page.content.decode()
    assert set(files(desk)) == {"IMG_1.jpg"}


def test_one_of_several_with_a_name_is_chosen(desk):
    first, second = (make_member(f"ann{i}@example.org", name="Ann Lee") for i in (1, 2))
    send(desk, photo("Ann Lee.jpg"))
    [name] = form(desk)
    assert "Which of them?" in desk.get(PAGE).content.decode()

    save(desk, **{name.replace("member", "candidate"): "Ann Lee <ann2@example.org>"})

    assert profile_of(second).avatar
    assert not profile_of(first).avatar


@pytest.mark.parametrize("ticked", [False, True])
def test_a_photo_that_is_there_is_replaced_only_if_that_is_ticked(desk, owner, ticked):
    before = owner.profile.avatar.name
    send(desk, photo("Mary Somerville.jpg"))
    pk = files(desk)["Mary Somerville.jpg"].pk

    page = save(desk, **({f"replace-{pk}": "on"} if ticked else {}))

    assert (profile_of(owner).avatar.name != before) is ticked
    assert ("There is a photo already" in page.content.decode()) is not ticked
    assert bool(files(desk)) is not ticked


def test_two_files_for_one_member_are_not_both_saved(desk, member):
    send(desk, photo("Ada Lovelace.jpg"), photo("lovelace ada (2).jpg"))

    page = save(desk)

    assert "Ada Lovelace.jpg is for the same member" in page.content.decode()
    assert profile_of(member).avatar
    assert set(files(desk)) == {"lovelace ada (2).jpg"}


def test_a_refused_file_is_reported_and_costs_no_other(desk, member):
    send(desk, SimpleUploadedFile("Grace.jpg", b"no photo"), photo("Ada Lovelace.jpg"))

    page = desk.get(PAGE).content.decode()

    assert "This is neither a photo" in page
    save(desk)
    assert profile_of(member).avatar
    assert set(files(desk)) == {"Grace.jpg"}


def test_a_resume_that_is_no_pdf_is_not_called_a_photo(desk, member):
    send(desk, SimpleUploadedFile("Ada Lovelace.docx", b"PK\3\4"))

    page = desk.get(PAGE).content.decode()

    assert "This is neither a photo that we can read nor a PDF. Please choose a JPEG" in page


def test_nothing_is_lost_by_closing_the_tab(desk, clerk, member):
    send(desk, photo("Ada Lovelace.jpg"))
    later = Client()
    later.force_login(clerk)

    assert set(files(later)) == {"Ada Lovelace.jpg"}


def test_what_is_kept_no_longer_is_deleted(desk, member, monkeypatch):
    send(desk, photo("Ada Lovelace.jpg"), SimpleUploadedFile("Grace.jpg", b"no photo"))
    long_ago = timezone.now() - timedelta(hours=2)
    StoredUpload.objects.update(expires_at=long_ago)
    BatchFile.objects.update(created_at=long_ago)

    assert files(desk) == {}
    save(desk)
    assert not profile_of(member).avatar
    call_command("nightly", stdout=io.StringIO())
    assert not BatchFile.objects.exists()


def test_the_script_is_answered_with_the_row_of_its_file(desk, member):
    answer = send(desk, photo("photo.jpg"), fragment="1", folder="Ada Lovelace")

    assert answer.status_code == 201
    assert answer.content.decode().strip().startswith("<li")
    assert "ada@example.org" in answer.content.decode()


@pytest.mark.parametrize("from_script", [False, True])
def test_a_busy_site_asks_for_the_files_again(desk, member, monkeypatch, from_script):
    first = saving.match

    def busy_afterwards(*args):
        monkeypatch.setattr(saving.StoredUpload, "receive", raise_busy)
        return first(*args)

    def raise_busy(*args):
        raise Busy

    monkeypatch.setattr(saving, "match", busy_afterwards)
    more = {"fragment": "1"} if from_script else {}
    answer = send(desk, photo("Ada Lovelace.jpg"), photo("Grace Hopper.jpg"), **more)

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert set(files(desk)) == {"Ada Lovelace.jpg"}
    if not from_script:
        assert "Please choose these again: Grace Hopper.jpg." in answer.content.decode()


def test_a_file_or_all_are_taken_away(desk, member):
    send(desk, photo("Ada Lovelace.jpg"), photo("b.jpg"), SimpleUploadedFile("c.jpg", b"no"))
    pk = files(desk)["b.jpg"].pk

    desk.post(SAVE, {"forget": pk})
    assert set(files(desk)) == {"Ada Lovelace.jpg", "c.jpg"}
    desk.post(SAVE, {"forget": "all"})
    assert files(desk) == {}
    assert not StoredUpload.objects.exists()
    assert not profile_of(member).avatar


@pytest.mark.parametrize("pk", ["x", "²", "-1", "9" * 30, "9" * 5_000, ""])
def test_taking_away_what_is_no_file_takes_nothing_away(desk, member, pk):
    send(desk, photo("Ada Lovelace.jpg"))

    assert desk.post(SAVE, {"forget": pk}).status_code == 302

    assert set(files(desk)) == {"Ada Lovelace.jpg"}


def test_files_are_their_senders_alone(desk, staff, member):
    send(desk, photo("Ada Lovelace.jpg"))
    pk = files(desk)["Ada Lovelace.jpg"].pk
    other = Client()
    other.force_login(staff)

    assert files(other) == {}
    other.post(SAVE, {"save": "1", f"member-{pk}": "ada@example.org"})
    other.post(SAVE, {"forget": pk})
    assert not profile_of(member).avatar
    assert BatchFile.objects.filter(pk=pk).exists()


def test_the_right_to_change_members_is_needed(desk, clerk, member):
    send(desk, photo("Ada Lovelace.jpg"))
    fields = {"save": "1", **form(desk)}
    clerk.user_permissions.clear()

    assert desk.get(PAGE).status_code == 403
    assert send(desk, photo("Grace.jpg")).status_code == 403
    assert desk.post(SAVE, fields).status_code == 403
    assert not profile_of(member).avatar


def test_profiles_of_the_staff_are_left_to_superusers(desk, clerk, staff):
    send(desk, photo("Staff.jpg"))
    [name] = form(desk)

    save(desk, **{name: "staff@example.org"})
    assert not profile_of(staff).avatar
    assert form(desk) == {name: ""}, "nobody is found by it"

    type(clerk).objects.filter(pk=clerk.pk).update(is_superuser=True)
    save(desk, **{name: "staff@example.org"})
    assert profile_of(staff).avatar


def test_another_site_can_save_nothing(clerk, member, desk):
    send(desk, photo("Ada Lovelace.jpg"))
    fields = {"save": "1", **form(desk)}
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(clerk)

    assert strict.post(SAVE, fields).status_code == 403
    assert send(strict, photo("Ada Lovelace.jpg")).status_code == 403
    assert not profile_of(member).avatar


def test_names_that_harm_are_shown_harmless(desk):
    send(desk, photo("<img src=x onerror=alert(1)>.jpg"), photo("\u202egpj.exe.jpg"))

    page = desk.get(PAGE).content.decode()

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_page_has_a_constant_number_of_queries(desk, django_assert_num_queries):
    members = [make_member(f"m{i}@example.org", name=f"Member{i} Long") for i in range(4)]
    send(desk, photo("Member0 Long.jpg"))
    with django_assert_num_queries(6):
        desk.get(PAGE)
    for member in members[1:]:
        send(desk, photo(f"{member.profile.name}.jpg"))

    with django_assert_num_queries(6):
        desk.get(PAGE)


@pytest.mark.parametrize("address", ["/admin/", "/admin/profiles/user/"])
def test_the_page_is_reached_from_where_the_staff_are(admin_client, address):
    assert PAGE in admin_client.get(address).content.decode()
