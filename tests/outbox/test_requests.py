"""Requests that write e-mail: whatever the mail server does, they neither fail nor wait."""

import re
import smtplib
import threading

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import DEFAULT_DB_ALIAS, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.outbox.delivery import deliver_due
from portal.outbox.models import OutgoingMessage
from profiles.models import User
from tests.accounts.address_steps import ask
from tests.accounts.test_accounts import set_password, totp_code
from tests.conftest import PASSWORD, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

State = OutgoingMessage.State
NEW_PASSWORD = "quite another passphrase"
RESET = "/accounts/password/reset/"
MODES = ["down", "refuse", "busy", "reset", "hang"]


@pytest.fixture(params=MODES)
def bad_server(request, mail_server, settings, monkeypatch):
    """A mail server that takes nothing, and a spy on who calls it from a request."""
    mail_server.callers = []
    connect = smtplib.SMTP.connect

    def spied(self, *args, **options):
        mail_server.callers.append(threading.current_thread())
        return connect(self, *args, **options)

    monkeypatch.setattr(smtplib.SMTP, "connect", spied)
    if request.param == "down":
        settings.OUTBOX_OPTIONS["port"] = 1
    mail_server.mode = request.param
    return mail_server


def recover(server, settings):
    """Let the server accept; what waits is tried at once, as if its pause had passed."""
    server.mode = "accept"
    settings.OUTBOX_OPTIONS |= {"port": server.port, "timeout": 10}  # a busy machine takes its time
    OutgoingMessage.objects.update(due_at="2000-01-01T00:00Z")
    deliver_due()


def expect_nothing_but_later(server, settings, to):
    """Check that no request called the server, and that a delivery succeeds once it recovers."""
    assert server.callers == []
    deliver_due()
    assert server.callers != []
    assert server.accepted == []
    recover(server, settings)
    assert to in server.recipients
    assert len(set(server.recipients)) == len(server.accepted)


def test_a_reset_is_answered(bad_server, settings, client, member):
    """E4."""
    answer = client.post(RESET, {"email": member.email})

    assert (answer.status_code, answer["Location"]) == (302, f"{RESET}done/")
    expect_nothing_but_later(bad_server, settings, member.email)


def test_a_changed_password_is_changed_and_said_so(bad_server, settings, client, member):
    """E4."""
    client.force_login(member)

    answer = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )

    assert answer.status_code == 302
    assert User.objects.get(pk=member.pk).check_password(NEW_PASSWORD)
    expect_nothing_but_later(bad_server, settings, member.email)


@pytest.mark.django_db(transaction=True)
def test_recovery_codes_are_shown(bad_server, settings, client, member):
    """E4: the page after a second factor was set up, of which allauth notifies after the commit."""
    client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    activate = "/accounts/2fa/totp/activate/"
    client.post(f"/accounts/reauthenticate/?next={activate}", {"password": PASSWORD})
    code = totp_code(client.get(activate).context["form"].secret)

    page = client.post(activate, {"code": code}, follow=True)

    assert Authenticator.objects.filter(user=member).count() == 2
    assert re.search(r"[0-9a-f]{8}", page.content.decode())
    expect_nothing_but_later(bad_server, settings, member.email)


def test_four_are_invited_of_whom_one_has_an_impossible_address(
    bad_server, settings, client, staff
):
    """E4: three get their invitations once the server recovers; the staff see the fourth."""
    client.force_login(staff)
    four = [User.objects.create_user(f"{number}@example.org") for number in range(4)]
    impossible = f"x@{'ü' * 60}.example"
    with connection.cursor() as cursor:  # as an older version of the site may have stored it
        cursor.execute(
            "UPDATE profiles_user SET email = %s WHERE id = %s", [impossible, four[1].pk]
        )

    page = client.post(
        "/admin/profiles/user/",
        {"action": "invite_again", "_selected_action": [user.pk for user in four]},
        follow=True,
    ).content.decode()

    assert "On the way to 4." in page
    assert OutgoingMessage.objects.filter(kind="invitation").count() == 4
    assert bad_server.callers == []
    recover(bad_server, settings)
    assert sorted(bad_server.recipients) == ["0@example.org", "2@example.org", "3@example.org"]
    assert bad_server.connections == 1
    start = client.get("/admin/").content.decode()
    assert "1 message could not be delivered." in start
    listed = client.get("/admin/outbox/outgoingmessage/?state=failed").content.decode()
    assert impossible in listed
    assert "This address is impossible" in listed


def test_a_change_and_its_message_are_saved_together_or_not_at_all(client, member, monkeypatch):
    """allauth opens no transaction of its own."""
    client.raise_request_exception = False
    client.force_login(member)
    monkeypatch.setattr(OutgoingMessage.objects, "create", None)
    fields = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}

    assert client.post("/accounts/password/change/", fields).status_code == 500
    assert User.objects.get(pk=member.pk).check_password(PASSWORD)

    monkeypatch.undo()
    assert client.post("/accounts/password/change/", fields).status_code == 302
    assert User.objects.get(pk=member.pk).check_password(NEW_PASSWORD)


@pytest.fixture
def kinds_of_queries():
    """The queries of a request without their values, to compare two requests by."""

    def of(request) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            request()
        return [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries]

    return of


@pytest.mark.parametrize("other", ["unknown", "inactive"])
def test_a_reset_does_the_same_for_every_address(
    mail_server, settings, member, kinds_of_queries, other
):
    """E5: the page, the headers and the queries; the log-in throttle is not in this database."""
    make_member("inactive@example.org", is_active=False)
    answers = []

    def ask(email):
        answers.append(Client().post(RESET, {"email": email}, follow=True))

    known = kinds_of_queries(lambda: ask(member.email))
    unknown = kinds_of_queries(lambda: ask(f"{other}@example.org"))

    assert known == unknown
    assert any("outbox_outgoingmessage" in query for query in known)
    pages = [re.sub(r'value="\w{64}"', "", answer.content.decode()) for answer in answers]
    assert pages[0] == pages[1]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert [*answers[0].headers] == [*answers[1].headers]
    assert DEFAULT_DB_ALIAS in connection.alias

    deliver_due()

    assert mail_server.recipients == [member.email]
    assert [message.to for message in OutgoingMessage.objects.all()] == [member.email]


def test_a_reset_is_for_the_owner_of_a_confirmed_address(client, member, other_member):
    """An address that somebody has merely asked for opens nobody's account but its owner's."""
    EmailAddress.objects.create(user=other_member, email="asked-for@example.org")
    client.post(RESET, {"email": "asked-for@example.org"})
    assert mail.outbox == []

    client.post(RESET, {"email": member.email.upper()})

    [message] = mail.outbox
    assert message.to == [member.email]
    assert "Ada Lovelace" in message.body


@pytest.mark.parametrize("fate", ["deleted", "deactivated"])
def test_an_invitation_that_is_not_wanted_any_more_is_not_sent(
    mail_server, client, staff, member, fate
):
    client.force_login(staff)
    client.post(
        "/admin/profiles/user/",
        {"action": "invite_again", "_selected_action": [member.pk, staff.pk]},
    )
    if fate == "deleted":
        member.delete()
    else:
        User.objects.filter(pk=member.pk).update(is_active=False)

    deliver_due()

    assert mail_server.recipients == [staff.email]
    assert OutgoingMessage.objects.count() == 1


@pytest.mark.parametrize("fate", ["asked for", "confirmed", "withdrawn"])
def test_an_address_is_asked_to_be_confirmed_while_that_is_of_use(
    mail_server, client, member, fate
):
    client.force_login(member)
    ask(client, "new@example.org")
    if fate == "confirmed":
        EmailAddress.objects.filter(email="new@example.org").update(verified=True)
    elif fate == "withdrawn":
        EmailAddress.objects.filter(email="new@example.org").delete()

    deliver_due()

    asked = [accepted for accepted in mail_server.accepted if accepted.to == "new@example.org"]
    assert len(asked) == (1 if fate == "asked for" else 0)
    assert not OutgoingMessage.objects.exclude(state=State.SENT).exists()
    if asked:
        body = asked[0].message.get_payload(decode=True).decode()
        link = re.search(r"http://testserver(/\S+)", body)[1]
        client.post(link)
        assert User.objects.get(pk=member.pk).email == "new@example.org"


def test_a_link_is_made_with_the_host_that_was_asked(mail_server, settings, client, member):
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    client.post(RESET, {"email": member.email}, headers={"host": "portal.example.org"})

    deliver_due()

    body = mail_server.accepted[0].message.get_payload(decode=True).decode()
    link = re.search(r"http://portal\.example\.org(/\S+)", body)[1]
    settings.ALLOWED_HOSTS = ["testserver"]
    assert set_password(Client(), link).status_code == 302
