"""The promises about files, which S3 and its twin on local disk keep alike."""

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from profiles.models import Profile, ResumeDownload, User
from tests.conftest import make_member
from tests.support import samples
from tests.support.links import S3, link_for, resume_address

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_a_member_opens_a_resume(files, client, member, owner):
    """Z3, S1."""
    link = link_for(client, member, owner)

    status, _, content = files.get(link)

    assert (status, content) == (200, samples.pdf())


def test_an_opening_is_recorded(files, client, member, owner):
    link_for(client, member, owner)

    assert ResumeDownload.objects.get().member == member
    assert ResumeDownload.objects.get().profile == owner.profile


def test_an_anonymous_visitor_gets_the_same_page_whatever_is_there(files, client, owner, member):
    """Z2: an existing resume, a profile without one, and no such profile."""
    addresses = [
        resume_address(owner.profile),
        resume_address(member.profile),
        reverse("resume", args=[999_999]),
    ]

    answers = [client.get(address) for address in addresses]

    assert {answer.status_code for answer in answers} == {403}
    # Or a browser would go on refusing after the log-in. Others have a session, whose pages
    # no browser keeps (portal/middleware.py).
    assert all("no-store" in answer["Cache-Control"] for answer in answers)
    bodies = {
        answer.content.decode()
        .replace(address, "ADDRESS")
        .replace(address.replace("/", "%2F"), "ADDRESS")
        for answer, address in zip(answers, addresses, strict=True)
    }
    assert len(bodies) == 1
    assert not ResumeDownload.objects.exists()


def test_the_refusal_has_a_log_in_link_that_comes_back(files, client, owner):
    address = resume_address(owner.profile)

    page = client.get(address).content.decode()

    assert f"{reverse('account_login')}?next={address}" in page


def test_a_member_is_told_that_there_is_no_resume(files, client, member, other_member):
    """Z3: a profile without a resume, and no such profile."""
    client.force_login(member)

    assert client.get(resume_address(other_member.profile)).status_code == 404
    assert client.get(reverse("resume", args=[999_999])).status_code == 404


def test_the_answer_to_a_member_is_for_nobody_else(files, client, member, owner):
    """S6: it is neither stored by a cache nor told to another site."""
    client.force_login(member)

    response = client.get(resume_address(owner.profile))

    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"


def test_two_members_share_no_answer(files, client, member, other_member, owner):
    """S6: no cache may keep one for another, and each opening is recorded as its member's own."""
    answers = []
    for user in (member, other_member):
        client.force_login(user)
        answers.append(client.get(resume_address(owner.profile)))

    for answer in answers:
        directives = set(answer["Cache-Control"].split(", "))
        assert {"private", "no-store", "no-cache", "must-revalidate", "max-age=0"} == directives
        assert "Cookie" in answer["Vary"]
        assert files.get(answer["Location"])[0] == 200
    opened = ResumeDownload.objects.order_by("pk").values_list("member", flat=True)
    assert list(opened) == [member.pk, other_member.pk]


@pytest.mark.parametrize(("age", "status"), [(599, 200), (601, 403)])
def test_a_link_expires_after_600_seconds(files, client, member, owner, age, status):
    """S2."""
    link = link_for(client, member, owner)

    files.move_clock(age)

    assert files.get(link)[0] == status


def test_an_altered_link_opens_nothing(files, client, member, owner):
    """S3; the unaltered one is the control."""
    link = link_for(client, member, owner)

    assert files.get(link)[0] == 200
    assert files.get(files.altered(link))[0] == 403


def test_a_resume_is_only_ever_an_attachment(files, client, member, owner):
    """S5, S11, P3: type, disposition and caching are forced."""
    _, headers, _ = files.get(link_for(client, member, owner))

    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == 'attachment; filename="Mary Somerville - resume.pdf"'
    assert headers["Cache-Control"] == "private, no-store"


EMBEDDED = b"<</Names[(x.exe)<</Type/Filespec/F(x.exe)/EF<</F 4 0 R>>>>]>>"


@pytest.mark.parametrize(
    "catalogue",
    [
        b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>",
        b"/OpenAction<</S/Launch/F(/bin/sh)>>",
        b"/Names<</EmbeddedFiles " + EMBEDDED + b">>",
    ],
    ids=["JavaScript", "Launch", "attachment"],
)
def test_what_a_pdf_carries_is_only_ever_served_as_an_attachment(files, client, member, catalogue):
    """P3: it is accepted and stored as it came."""
    content = samples.handmade_pdf(
        {
            **samples.SMALL,
            1: b"<</Type/Catalog/Pages 2 0 R" + catalogue + b">>",
            4: b"<</Type/EmbeddedFile/Length 2>>stream\nMZ\nendstream",
        }
    )
    client.force_login(member)
    resume = SimpleUploadedFile("cv.pdf", content, content_type="application/pdf")

    client.post(reverse("edit-me"), {"name": "Ada", "visibility": "members", "resume": resume})
    status, headers, opened = files.get(link_for(client, member, member))

    assert (status, opened) == (200, content)
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(("length", "puts"), [(5000, 0), (None, 4)])
def test_a_photo_that_is_cut_off_puts_nothing_into_the_bucket(on_s3, client, member, length, puts):
    """I1: the whole photo, the control, is stored in two sizes, and in two more for everyone."""
    client.force_login(member)
    on_s3.clear()
    photo = SimpleUploadedFile("me.jpg", samples.jpeg()[:length], content_type="image/jpeg")

    page = client.post(
        reverse("edit-me"), {"name": "Ada", "visibility": "members", "avatar": photo}
    )

    assert [request.method for request in on_s3.requests].count("PUT") == puts
    assert (b"This photo is cut off. Please choose the original file." in page.content) == (
        puts == 0
    )


def test_a_name_beyond_ascii_is_sent_as_rfc_6266_says(files, client, member, owner):
    """P6."""
    owner.profile.name = 'Łucja "Lu" Wrońska'
    owner.profile.save()

    _, headers, _ = files.get(link_for(client, member, owner))

    assert headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''%C5%81ucja%20-Lu-%20Wro%C5%84ska%20-%20resume.pdf"
    )


def test_a_resume_has_no_address_that_lasts(files, owner):
    """S4, S10: what opens an avatar does not open a resume."""
    assert files.get(owner.profile.avatar.url)[0] == 200
    assert files.get(files.bare_address(owner.profile.resume))[0] in {403, 404}


def test_an_avatar_is_public_and_cached_for_a_day(files, owner):
    status, headers, content = files.get(owner.profile.avatar.url)

    assert status == 200
    assert headers["Content-Type"] == "image/webp"
    assert headers["Cache-Control"] == "public, max-age=86400"
    assert content[8:12] == b"WEBP"
    assert "?" not in owner.profile.avatar.url


def test_an_old_link_never_opens_the_new_file(files, client, member, owner, transactional_db):
    """S7."""
    link = link_for(client, member, owner)
    new = samples.pdf(text="the new one")

    owner.profile.resume = ContentFile(new, name="cv.pdf")
    owner.profile.save()

    assert files.get(link)[0] == 404
    assert files.get(link_for(client, member, owner))[2] == new


@pytest.mark.parametrize("delete", ["user", "profile", "queryset"])
def test_deleting_deletes_the_files_after_the_commit(
    files, client, member, owner, delete, django_capture_on_commit_callbacks
):
    """T3, S8: the files of a deleted row are deleted, but only after the commit."""
    avatar, link = owner.profile.avatar.url, link_for(client, member, owner)

    with django_capture_on_commit_callbacks() as callbacks:
        {
            "user": owner.delete,
            "profile": owner.profile.delete,
            "queryset": User.objects.filter(pk=owner.pk).delete,
        }[delete]()
    before = [files.get(avatar)[0], files.get(link)[0]]
    for callback in callbacks:
        callback()

    assert before == [200, 200]
    assert files.get(link)[0] == 404
    assert files.get(avatar)[0] in {403, 404}  # S3 does not say what is missing


def test_two_resumes_of_one_name_are_two_files(files, client, member, owner, other_member):
    """P7."""
    first, second = samples.pdf(text="first"), samples.pdf(text="second")
    for user, content in [(owner, first), (other_member, second)]:
        user.profile.resume = ContentFile(content, name="resume.pdf")
        user.profile.save()

    assert files.get(link_for(client, member, owner))[2] == first
    assert files.get(link_for(client, member, other_member))[2] == second


def test_what_the_browser_calls_a_file_does_not_count(files, client, member):
    """P6: neither its name nor the type that it declares."""
    client.force_login(member)
    upload = SimpleUploadedFile("../../evil.pdf.html", samples.pdf(), content_type="text/html")

    response = client.post(
        reverse("edit-me"), {"name": "Ada", "visibility": "members", "resume": upload}
    )

    assert response.status_code == 302
    name = Profile.objects.get(user=member).resume.name
    assert name.startswith("resumes/")
    assert name.endswith(".pdf")
    assert "evil" not in name
    _, headers, _ = files.get(link_for(client, member, member))
    assert headers["Content-Type"] == "application/pdf"


def test_no_page_holds_a_link_that_opens_a_resume(files, client, staff, owner):
    """S9: pages lead to the resume view, the admin's too; the redirect is the control."""
    client.force_login(staff)
    signs = ["X-Amz-Signature", "/protected/"]
    addresses = [
        reverse("home"),
        reverse("directory"),
        owner.profile.get_absolute_url(),
        reverse("admin:profiles_user_changelist"),
        reverse("admin:profiles_user_change", args=[owner.pk]),
    ]
    pages = [client.get(address).content.decode() for address in addresses]
    looker = make_member("looker@example.org", is_staff=True)  # may look at it, not change it
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(looker)
    pages.append(client.get(addresses[-1]).content.decode())
    client.force_login(owner)
    pages += [client.get(reverse(name)).content.decode() for name in ("me", "edit-me")]

    assert any(sign in link_for(client, staff, owner) for sign in signs)
    assert not [page for page in pages for sign in signs if sign in page]
    assert all(resume_address(owner.profile) in page for page in pages[-4:])


def test_pages_need_no_file_storage(files, client, owner, monkeypatch):
    """F6: with the storage dead, people still log in and look at one another."""
    make_member("public@example.org", name="Public", visibility="public")
    if isinstance(files, S3):
        files.server.clear()
    client.force_login(owner)

    for address in [reverse("home"), reverse("directory"), owner.profile.get_absolute_url()]:
        assert client.get(address).status_code == 200
    client.get(resume_address(owner.profile))  # signing is no request either

    if isinstance(files, S3):
        assert files.server.requests == []
