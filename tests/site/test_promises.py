"""The promises about files, which S3 and its twin on local disk keep alike."""

import time
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from profiles.models import Profile, ResumeDownload, User
from tests.conftest import BUCKET, make_member
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PROTECTED_URL_SECONDS = 600


class Disk:
    """The site on local disk: its links lead back to it."""

    def __init__(self, client, monkeypatch):
        self.client, self.monkeypatch = client, monkeypatch

    def get(self, url):
        response = self.client.get(url)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return response.status_code, response.headers, content

    def move_clock(self, seconds):
        real = time.time
        self.monkeypatch.setattr("time.time", lambda: real() + seconds)

    def bare_address(self, file):
        return f"/media/{file.name}"

    def altered(self, url):
        return url[:-8] + ("A" if url[-8] != "A" else "B") + url[-7:]


class S3:
    """The site on S3: its links lead to the bucket, over HTTP."""

    def __init__(self, server):
        self.server = server

    def get(self, url):
        response = requests.get(url, timeout=5)
        return response.status_code, response.headers, response.content

    def move_clock(self, seconds):
        self.server.advance(seconds)

    def bare_address(self, file):
        return file.storage.url(file.name).partition("?")[0]

    def altered(self, url):
        return url.replace("resumes/", "resumes/x", 1)


@pytest.fixture(params=["disk", "s3"])
def files(request, client, monkeypatch):
    if request.param == "s3":
        return S3(request.getfixturevalue("on_s3"))
    return Disk(client, monkeypatch)


def resume_address(profile):
    return reverse("resume", args=[profile.pk])


def link_for(client, member, owner):
    client.force_login(member)
    response = client.get(resume_address(owner.profile))
    assert response.status_code == 302
    return response["Location"]


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


def test_the_link_on_s3_is_a_sigv4_link_of_600_seconds(on_s3, client, member, owner):
    """S1."""
    parts = urlsplit(link_for(client, member, owner))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}

    assert f"{parts.scheme}://{parts.netloc}" == on_s3.endpoint_url
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Expires"] == str(PROTECTED_URL_SECONDS)
    assert "/eu-west-1/s3/" in query["X-Amz-Credential"]


def test_the_site_sends_s3_no_acl(on_s3, owner):
    """S4: new buckets refuse them."""
    assert [request.method for request in on_s3.requests].count("PUT") == 4
    assert not [
        name for request in on_s3.requests for name in request.headers if "acl" in name.lower()
    ]


def altered(link, **changes):
    """The same link with these parameters of its query changed, taken away (None) or added."""
    parts = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept, quote_via=quote)).geturl()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, 200, id="unaltered"),
        pytest.param({"X-Amz-Signature": "0" * 64}, 403, id="signature"),
        pytest.param({"X-Amz-Expires": "604800"}, 403, id="expiry"),
        pytest.param({"X-Amz-Date": "20260101T000000Z"}, 400, id="date"),
        pytest.param({"response-content-type": "text/html"}, 403, id="type"),
        pytest.param({"response-content-disposition": "inline"}, 403, id="disposition"),
        pytest.param({"versionId": "1"}, 403, id="extra parameter"),
        pytest.param({"X-Amz-Signature": None}, 400, id="no signature"),
    ],
)
def test_every_part_of_a_link_is_signed(on_s3, client, member, owner, changes, status):
    """S3."""
    link = altered(link_for(client, member, owner), **changes)

    assert requests.get(link, timeout=5).status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_only_reads(on_s3, client, member, owner, method):
    """S3."""
    link = link_for(client, member, owner)

    assert requests.request(method, link, data=b"x", timeout=5).status_code in {400, 403}
    assert requests.get(link, timeout=5).content == samples.pdf()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "{resume}"),
        ("HEAD", "{resume}"),
        ("PUT", "{resume}"),
        ("DELETE", "{resume}"),
        ("PUT", "media/avatars/mine.webp"),
        ("GET", ""),
        ("GET", "?list-type=2&prefix=protected/"),
        ("GET", "?policy"),
    ],
)
def test_an_anonymous_client_gets_nowhere_in_the_bucket(on_s3, owner, method, path):
    """S4; the avatar is the control."""
    bucket = f"{on_s3.endpoint_url}/{BUCKET}"
    path = path.format(resume=f"protected/{owner.profile.resume.name}")

    assert requests.request(method, f"{bucket}/{path}", timeout=5).status_code == 403
    assert requests.get(f"{bucket}/media/{owner.profile.avatar.name}", timeout=5).ok
