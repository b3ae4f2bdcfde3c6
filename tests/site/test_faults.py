"""Uploads while S3 fails, or while another one comes at once: catalogue F, and T4."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.core.files.base import ContentFile
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from portal.s3 import client as site_s3
from profiles.models import Profile, StoredUpload, User
from tests.conftest import BUCKET, PASSWORD, make_member, s3_client
from tests.profiles.test_admin import change
from tests.support import samples
from tests.support.dyno import eventually
from tests.support.line import Line

pytestmark = pytest.mark.django_db(transaction=True)  # a request's own rollback is what is tested

ROUTER_SECONDS = 15  # F1: half of what Heroku's router waits for
LARGEST_PAUSE_SECONDS = 1  # botocore's, before a second attempt


@pytest.fixture(scope="module")  # the port stays the same, and so the site's client for it
def line(s3_server):
    with Line((s3_server.host, s3_server.port)) as line:
        line.up()
        yield line


@pytest.fixture
def s3_environment(s3_environment, line):
    """The site reaches S3 by a line that can fail."""
    return s3_environment | {"AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{line.port}"}


@pytest.fixture
def short_waits(on_s3, monkeypatch):  # the bucket is set up before
    """Make the site wait for S3 as often as usual, but not as long; return the seconds."""
    seconds = 0.2
    monkeypatch.setattr(site_s3, "READ_TIMEOUT_SECONDS", seconds)
    site_s3._first_resource.cache_clear()
    yield seconds
    site_s3._first_resource.cache_clear()


def with_the_form(client, member, **files):
    client.force_login(member)
    return client.post(reverse("edit-me"), {"name": "Ada", "visibility": "members", **files})


def with_the_admin(client, member, **files):
    client.force_login(make_member("root@example.org", is_staff=True, is_superuser=True))
    address = reverse("admin:profiles_user_change", args=[member.pk])
    return client.post(address, change(member, **files))


def with_the_script(client, member, **files):
    client.force_login(member)
    [(purpose, file)] = files.items()
    return client.post(reverse("upload", args=[purpose]), {"file": file})


def upload(client, resume=None):
    file = ContentFile(resume or samples.pdf(), name="cv.pdf")
    return client.post(reverse("edit-me"), {"name": "Ada", "visibility": "members", "resume": file})


def stored(server) -> list[str]:
    """The keys of the uploads that S3 holds."""
    client = s3_client(server)
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def assert_apology(response):
    """A page in plain words; a form comes back, with a file that is not kept."""
    assert response.status_code == 503
    assert "We cannot reach the file storage" in response.text
    assert "Nothing was saved" in response.text or "this file is not kept" in response.text


def puts(server) -> int:
    return sum(request.method == "PUT" for request in server.requests)


def test_the_site_gives_up_s3_well_before_the_router_gives_up_the_site():
    """F1: with its own figures, which the test beside this one has no time for."""
    attempt = site_s3.CONNECT_TIMEOUT_SECONDS + site_s3.READ_TIMEOUT_SECONDS

    assert site_s3.REQUEST_ATTEMPTS * attempt + LARGEST_PAUSE_SECONDS <= ROUTER_SECONDS


def test_an_s3_that_hangs_is_given_up(short_waits, on_s3, line, client, member):
    """F1."""
    client.force_login(member)
    calls = line.calls

    with line.frozen():
        began = time.monotonic()
        response = upload(client)
        seconds = time.monotonic() - began

    assert_apology(response)
    assert line.calls - calls == site_s3.REQUEST_ATTEMPTS
    assert seconds < site_s3.REQUEST_ATTEMPTS * short_waits + LARGEST_PAUSE_SECONDS + 2
    assert not Profile.objects.get(user=member).resume


def of_resume(member):
    """The keys of a member's resume and of its picture."""
    profile = Profile.objects.get(user=member)
    return sorted(f"protected/{file.name}" for file in (profile.resume, profile.resume_picture))


def test_an_s3_that_is_busy_for_a_moment_is_asked_again(on_s3, client, member):
    """F2."""
    client.force_login(member)
    on_s3.fail_next(503, "SlowDown", matching=lambda request: request.method == "PUT")

    assert upload(client).status_code == 302

    assert puts(on_s3) == 3  # the file twice, the picture of its first page once
    assert stored(on_s3) == of_resume(member)


def test_an_s3_that_stays_busy_is_given_up(on_s3, client, member):
    """F2."""
    client.force_login(member)
    on_s3.fail_next(503, "SlowDown", times=99, matching=lambda request: request.method == "PUT")

    assert_apology(upload(client))

    assert puts(on_s3) == site_s3.REQUEST_ATTEMPTS
    assert not Profile.objects.get(user=member).resume
    assert stored(on_s3) == []


def test_an_s3_that_refuses_is_asked_once(on_s3, client, member, caplog):
    """F3: a retry would not change a refusal, and the log has to have it."""
    client.force_login(member)
    on_s3.fail_next(403, "AccessDenied", times=99, matching=lambda request: request.method == "PUT")

    assert_apology(upload(client))

    assert puts(on_s3) == 1
    assert not Profile.objects.get(user=member).resume
    [record] = [found for found in caplog.records if found.name == "profiles.uploads.forms"]
    assert "resumes/" in record.getMessage()
    assert "AccessDenied" in str(record.exc_info[1].__cause__)


@pytest.mark.parametrize("purpose", ["avatar", "resume"])
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(with_the_form, marks=pytest.mark.whole),
        pytest.param(with_the_admin, marks=pytest.mark.whole),
        with_the_script,
    ],
)
@pytest.mark.parametrize("fault", ["frozen", "refuses", "reset"])
def test_an_upload_that_s3_does_not_take_leaves_nothing(
    short_waits, on_s3, line, client, member, fault, sent, purpose
):
    """F1, F3, F4, by each way in: a page in time, no row, no file. Controls: those beside it."""
    content = samples.jpeg((900, 900)) if purpose == "avatar" else BIG
    file = ContentFile(content, name="me.jpg" if purpose == "avatar" else "cv.pdf")
    began = time.monotonic()

    if fault == "frozen":
        with line.frozen():
            answer = sent(client, member, **{purpose: file})
    else:
        if fault == "refuses":
            on_s3.fail_next(403, "AccessDenied", times=99, matching=lambda r: r.method == "PUT")
        else:
            line.cut(after=1000, times=99)
        answer = sent(client, member, **{purpose: file})

    assert_apology(answer)
    assert time.monotonic() - began < ROUTER_SECONDS
    profile = Profile.objects.get(user=member)
    assert not any((profile.avatar, profile.resume, StoredUpload.objects.exists()))
    line.mended()
    assert stored(on_s3) == []


def test_an_s3_that_fails_costs_no_word_that_was_typed(on_s3, client, member):
    """Without JavaScript the file comes with its form; it can be saved without the file, too."""
    client.force_login(member)
    typed = {"name": "Ada", "bio": "Two hours of work & more", "visibility": "public"}
    on_s3.fail_next(403, "AccessDenied", matching=lambda request: request.method == "PUT")

    page = client.post(reverse("edit-me"), {**typed, "resume": ContentFile(BIG, name="cv.pdf")})

    assert_apology(page)
    assert page["Retry-After"]
    assert "Two hours of work &amp; more</textarea>" in page.text
    assert client.post(reverse("edit-me"), typed).status_code == 302
    assert Profile.objects.get(user=member).bio == typed["bio"]


def test_a_photo_that_was_sent_before_s3_failed_is_kept_with_what_was_typed(on_s3, client, member):
    client.force_login(member)
    photo = ContentFile(samples.jpeg((900, 900)), name="me.jpg")
    pk = client.post(reverse("upload", args=["avatar"]), {"file": photo}).json()["pk"]
    form = {"name": "Ada", "bio": "Two hours of work", "visibility": "members", "avatar-stored": pk}
    on_s3.fail_next(403, "AccessDenied", matching=lambda request: request.method == "PUT")

    page = client.post(reverse("edit-me"), form)

    assert page.status_code == 503
    assert page.context["form"].has_error("avatar", "unreachable")
    assert "Two hours of work</textarea>" in page.text
    assert client.post(reverse("edit-me"), form).status_code == 302
    assert Profile.objects.get(user=member).avatar


BIG = samples.pdf_of_size(300_000)
HALF = 150_000  # bytes of it


def test_an_upload_that_is_cut_off_is_sent_again(on_s3, line, client, member):
    """F4."""
    client.force_login(member)
    line.cut(after=HALF)

    assert upload(client, BIG).status_code == 302

    assert stored(on_s3) == of_resume(member)
    link = client.get(reverse("resume", args=[member.profile.pk]))["Location"]
    assert requests.get(link, timeout=5).content == BIG


def test_an_upload_that_is_cut_off_each_time_leaves_nothing(on_s3, line, client, member):
    """F4: neither a row nor an object."""
    client.force_login(member)
    line.cut(after=HALF, times=site_s3.REQUEST_ATTEMPTS)

    assert_apology(upload(client, BIG))

    assert not Profile.objects.get(user=member).resume
    assert stored(on_s3) == []


def test_a_resume_that_is_missing_is_s3s_404_and_can_be_replaced(on_s3, client, owner):
    """F5: the site does not ask S3 whether a file is there; docs/storage.md says what to do."""
    owner.profile.resume.storage.delete(owner.profile.resume.name)
    client.force_login(owner)
    address = reverse("resume", args=[owner.profile.pk])

    assert client.get(owner.profile.get_absolute_url()).status_code == 200
    link = client.get(address)
    assert (link.status_code, requests.get(link["Location"], timeout=5).status_code) == (302, 404)

    assert upload(client).status_code == 302
    assert requests.get(client.get(address)["Location"], timeout=5).content == samples.pdf()


def test_people_come_in_and_look_around_without_s3(short_waits, on_s3, line, client, owner):
    """F6: while S3 hangs, and without an attempt to reach it."""
    calls = line.calls
    pages = ["/", reverse("directory"), owner.profile.get_absolute_url(), reverse("me")]

    with line.frozen():
        client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
        statuses = [client.get(address).status_code for address in pages]
        resume = client.get(reverse("resume", args=[owner.profile.pk]))
        calls_for_pages = line.calls - calls
        assert_apology(upload(client))  # the control: this does need it

    assert statuses == [200] * len(pages)
    assert resume.status_code == 302
    assert (calls_for_pages, line.calls - calls) == (0, site_s3.REQUEST_ATTEMPTS)


def by_herself(profile, resume):
    client = Client()
    client.force_login(profile.user)
    return upload(client, resume)


def by_the_staff(profile, resume):
    client = Client()
    client.force_login(User.objects.get(is_staff=True))
    file = ContentFile(resume, name="cv.pdf")
    address = reverse("admin:profiles_user_change", args=[profile.user_id])
    return client.post(address, change(profile.user, resume=file))


def in_a_thread(function, *arguments):
    try:
        return function(*arguments)
    finally:
        connections.close_all()


@pytest.mark.postgresql
@pytest.mark.parametrize("other", [by_herself, by_the_staff])
def test_of_two_replacements_at_once_one_file_is_left(on_s3, line, owner, staff, other):
    """T4: the one that the row names; both begin before either has ended."""
    if connection.vendor != "postgresql":
        pytest.skip(
            "SQLite has one writer at a time: python -m tests.support.with_postgresql pytest ..."
        )
    calls, before = line.calls, owner.profile.resume.name

    def both_are_under_way() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return line.calls - calls + cursor.fetchone()[0] == 2

    with ThreadPoolExecutor(2) as pool:
        with line.frozen():
            answers = [
                pool.submit(in_a_thread, replace, owner.profile, samples.pdf(text=replace.__name__))
                for replace in (by_herself, other)
            ]
            assert eventually(both_are_under_way, 5)
        assert [answer.result().status_code for answer in answers] == [302, 302]

    profile = Profile.objects.get(pk=owner.profile.pk)
    assert profile.resume.name != before
    named = {f"protected/{file.name}" for file in (profile.resume, profile.resume_picture)}
    assert {key for key in stored(on_s3) if "resumes/" in key} == named
