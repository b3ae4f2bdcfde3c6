"""A list of people: pasted, looked at, confirmed. Catalogue row N1."""

import io
import time
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles.invitations import inviting
from profiles.invitations.models import InvitationList
from profiles.invitations.reading import MAX_ROWS
from profiles.models import DirectoryEntry, Profile, User
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

REQUEST_SECONDS = 30
NEW = "/admin/invitations/invitation/new/"
LINES = """Grace Hopper <grace@example.org>
Mary Somerville; mary@example.org
hedy@example.org"""


def paste(client, lines) -> str:
    """Make a list; return the address of its preview."""
    response = client.post(NEW, {"lines": lines})
    assert response.status_code == 302, response.context["form"].errors
    return response["Location"]


def fates(client, address) -> list[tuple[int, str, str]]:
    page = client.get(address).context["page"]
    return [(each.row.line, each.shown_address, each.fate) for each in page]


def addresses():
    return set(User.objects.filter(is_staff=False).values_list("email", flat=True))


def test_a_pasted_list_is_looked_at_and_then_invited(desk, member):
    """N1: each line's fate is told before anything is written."""
    preview = paste(desk, f"{LINES}\nAda <ada@example.org>\nno-address\nGRACE@example.org")

    assert fates(desk, preview) == [
        (1, "grace@example.org", "new"),
        (2, "mary@example.org", "new"),
        (3, "hedy@example.org", "new"),
        (4, "ada@example.org", "exists"),
        (5, "no-address", "refused"),
        (6, "grace@example.org", "twice"),
    ]
    assert addresses() == {member.email}
    assert mail.outbox == []

    report = desk.post(preview)["Location"]

    assert addresses() == {
        member.email,
        "grace@example.org",
        "mary@example.org",
        "hedy@example.org",
    }
    assert sorted(message.to[0] for message in mail.outbox) == [
        "grace@example.org",
        "hedy@example.org",
        "mary@example.org",
    ]
    assert "3 invited." in desk.get(report).content.decode()
    grace = User.objects.get(email="grace@example.org")
    assert grace.profile.name == "Grace Hopper"
    assert not grace.has_usable_password()
    assert grace.emailaddress_set.get().verified


def test_an_invited_member_is_found_and_can_come_in(desk):
    """Nothing that User.save() and Profile.save() write is missing."""
    desk.post(paste(desk, LINES))

    user = User.objects.get(email="mary@example.org")
    assert DirectoryEntry.objects.get(profile=user.profile).name == " mary somerville "
    assert user.profile.sort_key == "mary somerville"
    link = next(line for line in mail.outbox[2].body.split() if "/accounts/invitation/" in line)
    newcomer = Client()
    form = newcomer.get(link.partition("testserver")[2])["Location"]
    password = "my own long passphrase"
    newcomer.post(form, {"password1": password, "password2": password})
    assert newcomer.get("/me/").status_code == 200


def test_a_list_is_confirmed_once(desk):
    """A double click, and a refreshed page."""
    preview = paste(desk, LINES)

    first, second = desk.post(preview), desk.post(preview)

    assert first["Location"] == second["Location"]
    assert len(mail.outbox) == 3
    assert User.objects.filter(is_staff=False).count() == 3
    assert {fate for _, _, fate in fates(desk, preview)} == {"new"}, "the report is the first's"


def test_the_report_counts_how_far_the_messages_and_the_members_have_come(desk, settings):
    settings.OUTBOX_BACKEND = None
    desk.post(paste(desk, "of-another-list@example.org"))
    preview = paste(desk, "\n".join(f"{name}@example.org" for name in "abcde"))
    page = desk.post(preview, {"new": "5"}, follow=True)
    assert "Others were at work" not in page.content.decode()
    assert page.context["progress"]["waiting"] == 5
    long_ago = timezone.now() - timedelta(days=settings.INVITATION_DAYS, minutes=1)
    for name, state, moment in [
        ("b", "sent", timezone.now()),
        ("c", "sent", long_ago),
        ("d", "failed", timezone.now()),
        ("e", "sent", timezone.now()),
    ]:
        message = OutgoingMessage.objects.filter(to=f"{name}@example.org")
        message.update(state=state, finished_at=moment)
    User.objects.filter(email="e@example.org").update(last_login=timezone.now())

    progress = desk.get(preview).context["progress"]

    assert progress == {
        "total": 5, "done": 4, "waiting": 1, "sent": 2, "failed": 1, "come": 1
    }  # fmt: skip


def test_a_report_is_kept_as_long_as_the_records_of_the_messages(desk):
    preview = paste(desk, LINES)
    assert InvitationList.objects.get().expires_at < timezone.now() + timedelta(days=2)

    desk.post(preview)

    assert InvitationList.objects.get().expires_at > timezone.now() + timedelta(days=29)


def test_confirming_looks_again(desk):
    """Between the preview and the click, somebody else invites one of them."""
    preview = paste(desk, LINES)
    make_member("mary@example.org", name="Mary, by somebody else")

    page = desk.post(preview, {"new": "3"}, follow=True)

    assert "Others were at work meanwhile: 2 of 3 were invited." in page.content.decode()
    assert User.objects.get(email="mary@example.org").profile.name == "Mary, by somebody else"
    assert len(mail.outbox) == 2
    assert (2, "mary@example.org", "exists") in fates(desk, preview)


@pytest.mark.parametrize(
    "sign",
    [
        {"password": make_password(None).replace("!", "md5$")},
        {"last_login": timezone.now()},
        {"is_active": False},
        {"is_staff": True},
        {"is_superuser": True},
    ],
    ids=lambda sign: next(iter(sign)),
)
def test_what_a_member_wrote_is_never_overwritten(desk, sign):
    """Each sign alone says that it is not one who was invited and has not come."""
    Profile.objects.filter(user=User.objects.create_user("ada@example.org")).update(name="Ada")
    User.objects.filter(email="ada@example.org").update(**sign)
    preview = paste(desk, "A. Lovelace <ada@example.org>")
    assert fates(desk, preview) == [(1, "ada@example.org", "exists")]

    desk.post(preview)

    assert Profile.objects.get(user__email="ada@example.org").name == "Ada"


def test_the_name_of_somebody_who_has_not_come_is_corrected(desk):
    desk.post(paste(desk, "Grace Hoper <grace@example.org>"))
    preview = paste(desk, "Grace Hopper <grace@example.org>")
    assert fates(desk, preview) == [(1, "grace@example.org", "changed")]

    desk.post(preview)

    grace = User.objects.get(email="grace@example.org")
    assert (grace.profile.name, grace.profile.sort_key) == ("Grace Hopper", "grace hopper")
    assert DirectoryEntry.objects.get(profile=grace.profile).name == " grace hopper "
    assert len(mail.outbox) == 1


def test_a_line_without_a_name_takes_no_name_away(desk):
    desk.post(paste(desk, "Grace Hopper <grace@example.org>"))
    preview = paste(desk, "grace@example.org")
    assert fates(desk, preview) == [(1, "grace@example.org", "invited")]

    desk.post(preview)

    assert Profile.objects.get(user__email="grace@example.org").name == "Grace Hopper"


def test_a_member_who_is_in_the_list_twice_is_told_as_that(desk, member):
    preview = paste(desk, f"Ada <{member.email}>\nAda L. <{member.email.upper()}>\nno-address")

    assert [fate for _, _, fate in fates(desk, preview)] == ["exists", "twice", "refused"]


def test_two_clerks_at_the_same_moment_both_succeed(desk, monkeypatch):
    """One looked before the other had written: the database refuses the second, who looks again."""
    preview = paste(desk, LINES)
    make_member("mary@example.org", name="Mary, by another clerk")
    look, looks = inviting.judged, []

    def outdated(rows, **options):
        found = look(rows, **options)
        looks.append(found)
        return [each._replace(fate="new") for each in found] if len(looks) == 1 else found

    monkeypatch.setattr(inviting, "judged", outdated)
    desk.post(preview)

    assert len(looks) == 2
    assert addresses() == {"grace@example.org", "mary@example.org", "hedy@example.org"}
    assert len(mail.outbox) == 2
    assert User.objects.get(email="mary@example.org").profile.name == "Mary, by another clerk"


@pytest.mark.parametrize("lines", [60, pytest.param(MAX_ROWS, marks=pytest.mark.whole)])
def test_a_long_list_is_written_within_a_request(desk, settings, lines):
    """N1: with a constant number of queries for each chunk."""
    settings.OUTBOX_BACKEND = None
    preview = paste(desk, "\n".join(f"Person {i} <p{i}@example.org>" for i in range(lines)))
    began = time.process_time()

    with CaptureQueriesContext(connection) as queries:
        desk.post(preview)

    assert time.process_time() - began < REQUEST_SECONDS / 2  # the rest is the database's
    assert len(queries) < 45 + lines // 6  # SQLite takes a thousand values at a time
    assert User.objects.filter(is_staff=False).count() == lines


def test_what_has_expired_is_deleted_by_the_nightly_list(desk):
    preview = paste(desk, LINES)
    paste(desk, LINES)
    pk = int(preview.rstrip("/").rpartition("/")[2])
    InvitationList.objects.filter(pk=pk).update(expires_at="2020-01-01T00:00Z")

    call_command("nightly", stdout=io.StringIO())

    assert InvitationList.objects.exclude(pk=pk).get()


def test_a_list_is_its_owners_alone(desk, staff):
    preview = paste(desk, LINES)
    other = Client()
    other.force_login(staff)

    assert desk.get(preview).status_code == 200
    assert other.get(preview).status_code == 404
    other.post(preview)
    assert addresses() == set()


def test_staff_without_the_right_to_add_members_are_refused(desk, clerk):
    preview = paste(desk, LINES)
    clerk.user_permissions.clear()

    assert desk.get(NEW).status_code == 403
    assert desk.get(preview).status_code == 403
    assert desk.post(preview).status_code == 403
    assert addresses() == set()


def test_another_site_cannot_confirm_a_list(clerk):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(clerk)
    found = InvitationList.objects.create(
        owner=clerk, title="x", rows=[[1, "a@example.org", "", ""]]
    )

    address = f"/admin/invitations/invitation/lists/{found.pk}/"
    assert strict.get(address).status_code == 200
    assert strict.post(address).status_code == 403
    assert addresses() == set()


def test_a_list_that_is_no_longer_kept_says_so(desk):
    preview = paste(desk, LINES)
    InvitationList.objects.update(expires_at="2020-01-01T00:00Z")

    page = desk.post(preview, follow=True)

    assert "no longer kept" in page.content.decode()
    assert addresses() == set()


@pytest.mark.parametrize(
    ("lines", "words"),
    [("", "either paste lines"), ("Ada Lovelace\nGrace Hopper", "no e-mail address in this")],
)
def test_what_holds_nobody_is_refused_in_words(desk, lines, words):
    page = desk.post(NEW, {"lines": lines})

    assert words in page.content.decode()
    assert not InvitationList.objects.exists()


def test_lines_and_a_file_together_are_refused(desk):
    file = SimpleUploadedFile("members.csv", LINES.encode())

    page = desk.post(NEW, {"lines": LINES, "file": file})

    assert "not both" in page.content.decode()
    assert LINES.splitlines()[0].split()[0] in page.content.decode(), "the lines are still there"


def test_names_that_harm_are_shown_harmless_and_refused(desk):
    """HTML is text; a mark that reverses what follows it is no part of a name."""
    preview = paste(
        desk, "<b>Bold</b>;bold@example.org\n\u202eexe;evil@example.org\n=1+1;f@example.org"
    )

    page = desk.get(preview).content.decode()

    assert "<b>Bold" not in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert [fate for _, _, fate in fates(desk, preview)] == ["new", "refused", "new"]


def test_messages_wait_where_e_mail_is_not_configured(desk, settings):
    settings.OUTBOX_BACKEND = None

    page = desk.post(paste(desk, LINES), follow=True)

    assert "the messages wait in the outbox" in page.content.decode()
    assert OutgoingMessage.objects.filter(state="waiting").count() == 3


@pytest.mark.parametrize("fate", ["new", "refused"])
def test_the_lines_of_one_fate_can_be_looked_at_alone(desk, fate):
    preview = paste(desk, f"{LINES}\nno-address")

    shown = fates(desk, f"{preview}?fate={fate}")

    assert {found for _, _, found in shown} == {fate}
