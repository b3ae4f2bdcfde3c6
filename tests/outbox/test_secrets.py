"""The records of messages: what they hold, for how long, and no link: catalogue E6."""

import io
import re
import smtplib
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.core.mail import send_mail
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from portal.outbox import leftovers
from portal.outbox.delivery import deliver_due
from portal.outbox.models import OutgoingMessage
from portal.sentences.stored import shown
from profiles.models import User
from tests.accounts.address_steps import ask
from tests.conftest import make_member
from tests.support.log import log  # noqa: F401 - a fixture
from tests.support.rows import whole_database

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State
LIST = "/admin/outbox/outgoingmessage/"
BODY = "What was said between us"


@pytest.fixture
def admin_client(client, staff):
    client.force_login(staff)
    return client


def ask_for_links(client, member) -> None:
    """Have all kinds of messages written that hold a link."""
    client.force_login(member)
    ask(client, "new@example.org")
    client.logout()
    client.post("/accounts/password/reset/", {"email": member.email})
    client.force_login(make_member("chief@example.org", is_staff=True, is_superuser=True))
    client.post(
        "/admin/profiles/user/", {"action": "invite_again", "_selected_action": [member.pk]}
    )


def links_in(server) -> list[str]:
    text = "".join(accepted.message.get_payload() for accepted in server.accepted)
    return re.findall(r"(?:key/|confirm-email/)([^/\s]{20,})", text.replace("=\n", ""))


def test_no_link_is_in_the_database_before_or_after(mail_server, client, member):
    """E6: neither before the delivery, nor while it is tried again, nor after it."""
    ask_for_links(client, member)
    moments = [whole_database()]
    mail_server.mode = "refuse"
    deliver_due()
    moments.append(whole_database())
    mail_server.mode = "accept"
    OutgoingMessage.objects.update(due_at=timezone.now())
    deliver_due()
    moments.append(whole_database())

    links = links_in(mail_server)
    assert len(links) == 3
    assert not [link for link in links for moment in moments if link in moment]


def test_a_delivered_message_keeps_address_subject_and_time(mail_server):
    """E6."""
    send_mail("A subject", BODY, None, ["ada@example.org"])
    assert OutgoingMessage.objects.get().content

    deliver_due()

    message = OutgoingMessage.objects.get()
    assert (message.to, message.subject) == ("ada@example.org", "A subject")
    assert message.finished_at
    assert bytes(message.content) == b""


def test_a_delivered_link_leaves_its_message_id_and_nothing_to_make_it_of(
    mail_server, client, member
):
    """E6: a retry of what was sent already is recognised by the Message-ID alone."""
    client.post("/accounts/password/reset/", {"email": member.email})
    message = OutgoingMessage.objects.get()
    assert message.context

    deliver_due()

    [accepted] = mail_server.accepted
    assert accepted.message_id == message.message_id
    assert OutgoingMessage.objects.get().context == {}


def test_a_message_is_named_after_the_domain_of_its_sender(mail_server, settings):
    for sender in ("Society <office@society.example>", "office@bücher.example"):
        settings.DEFAULT_FROM_EMAIL = sender
        send_mail("A subject", BODY, "office@society.example", ["ada@example.org"])

    ids = OutgoingMessage.objects.order_by("pk").values_list("message_id", flat=True)
    assert [each.rpartition("@")[2] for each in ids] == ["society.example>", "localhost>"]


def test_what_a_database_cannot_store_does_not_lose_the_message(mail_server):
    send_mail("A \0 subject", BODY, None, ["ada@example.org"])

    deliver_due()

    assert OutgoingMessage.objects.get().subject == "A \ufffd subject"
    assert mail_server.recipients == ["ada@example.org"]


@pytest.mark.parametrize(
    "refusal",
    [
        lambda reply: OSError(f"554 {reply}"),
        lambda reply: smtplib.SMTPDataError(554, reply.encode()),
        lambda reply: smtplib.SMTPRecipientsRefused({"ada@example.org": (554, reply.encode())}),
    ],
    ids=["connection", "message", "address"],
)
def test_a_server_that_quotes_a_link_does_not_bring_it_into_the_database(
    mail_server,
    client,
    member,
    monkeypatch,
    log,  # noqa: F811
    refusal,
):
    """E6: as servers do that refuse a message for the link in it."""

    def refuse(self, messages):
        [email] = messages
        link = re.search(r"https?://\S+", email.body)[0]
        raise refusal(f"spam: {link}")

    monkeypatch.setattr("portal.outbox.smtp.EmailBackend.send_messages", refuse)
    client.post("/accounts/password/reset/", {"email": member.email})

    deliver_due()

    error = shown(OutgoingMessage.objects.get().last_error)
    assert "554 spam: http://testserver/accounts/password/reset/key/[redacted]" in error
    assert log.others[0]["message"].startswith("Message ")
    assert member.email not in log.text


def test_the_admin_shows_no_text_and_changes_nothing(mail_server, admin_client):
    """E6."""
    send_mail("A subject", BODY, None, ["ada@example.org"])
    pk = OutgoingMessage.objects.get().pk

    page = admin_client.get(f"{LIST}{pk}/change/").content.decode()

    assert "A subject" in page
    assert BODY not in page
    assert admin_client.post(f"{LIST}{pk}/change/", {"to": "eve@example.org"}).status_code == 403
    assert admin_client.post(f"{LIST}add/", {"to": "eve@example.org"}).status_code == 403
    assert admin_client.post(f"{LIST}{pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("lookup", ["content", "content__contains", "context__icontains"])
def test_the_staff_cannot_guess_a_text_letter_by_letter(admin_client, lookup):
    """E6: the list is filtered by its address. The control: by the subject it may be."""
    assert admin_client.get(LIST, {lookup: "W"}).status_code == 400
    assert admin_client.get(LIST, {"subject__contains": "W"}).status_code == 200


def test_messages_are_removed_when_a_month_has_passed(mail_server, monkeypatch, member, client):
    """E6: and earlier what was never delivered and nobody waits for any more."""
    client.post("/accounts/password/reset/", {"email": member.email})
    for name in ("sent", "failed", "waiting"):
        send_mail(name, BODY, None, [f"{name}@example.org"])
    OutgoingMessage.objects.filter(subject__in=["failed", "waiting"]).update(
        due_at=timezone.now() + timedelta(days=90)
    )
    OutgoingMessage.objects.filter(subject="failed").update(
        state=State.FAILED, finished_at=timezone.now()
    )
    deliver_due()
    client.post("/accounts/password/reset/", {"email": "nobody@example.org"})
    left = []

    for days in (0, 3, 29, 31):
        later = timezone.now() + timedelta(days=days)
        with monkeypatch.context() as then:
            then.setattr(timezone, "now", lambda later=later: later)
            leftovers.remove_old_messages()
        left.append({message.to.partition("@")[0] for message in OutgoingMessage.objects.all()})

    everything = {"ada", "sent", "failed", "waiting", "nobody"}
    assert left == [everything, everything - {"nobody"}, everything - {"nobody"}, {"waiting"}]


def test_the_staff_send_again_what_has_failed(mail_server, admin_client):
    """E4: one or all; what is being sent at this moment is left to its sender."""
    for name in ("failed", "waiting", "sending"):
        send_mail(name, BODY, None, [f"{name}@example.org"])
    later = timezone.now() + timedelta(hours=2)
    OutgoingMessage.objects.update(due_at=later, last_error="550 no")
    OutgoingMessage.objects.filter(subject="failed").update(state=State.FAILED, attempts=17)
    OutgoingMessage.objects.filter(subject="sending").update(state=State.SENDING)
    start = admin_client.get("/admin/").content.decode()
    assert "1 message could not be delivered." in start
    assert "2 messages could not be delivered yet" in start

    pks = [message.pk for message in OutgoingMessage.objects.all()]
    page = admin_client.post(
        LIST, {"action": "send_again", "_selected_action": pks}, follow=True
    ).content.decode()
    deliver_due()

    assert page.count("2 on the way again.") == 1
    assert sorted(mail_server.recipients) == ["failed@example.org", "waiting@example.org"]
    assert OutgoingMessage.objects.get(subject="sending").due_at == later


def test_what_is_sent_again_is_as_new(mail_server, admin_client, member):
    """Handed over twice, or expired, it would be given up at once."""
    admin_client.post("/accounts/password/reset/", {"email": member.email})
    now = timezone.now()
    OutgoingMessage.objects.update(
        state=State.FAILED, attempts=17, handed_over=2, expires_at=now, finished_at=now,
        due_at=now + timedelta(hours=2), last_error="550 no",
    )  # fmt: skip

    admin_client.post(
        LIST, {"action": "send_again", "_selected_action": [OutgoingMessage.objects.get().pk]}
    )

    fields = ("state", "attempts", "handed_over", "expires_at", "finished_at", "last_error")
    again = OutgoingMessage.objects.values(*fields, "due_at").get()
    assert now < again.pop("due_at") <= timezone.now()
    assert tuple(again.values()) == (State.WAITING, 0, 0, None, None, "550 no")
    deliver_due()

    assert mail_server.recipients == [member.email]


def test_the_staff_are_told_why_nothing_is_sent_again(mail_server, admin_client, settings):
    """It was sent already; or no mail server is named, and everything waits."""
    send_mail("sent", BODY, None, ["ada@example.org"])
    deliver_due()
    chosen = {"action": "send_again", "_selected_action": [OutgoingMessage.objects.get().pk]}

    refused = admin_client.post(LIST, chosen, follow=True)
    settings.OUTBOX_BACKEND = None
    waiting = admin_client.post(LIST, chosen, follow=True)

    assert [(m.level_tag, m.message) for m in refused.context["messages"]] == [
        ("info", "None of these can be sent again: they were sent, or are being.")
    ]
    assert [(m.level_tag, m.message) for m in waiting.context["messages"]] == [
        ("warning", "E-mail is not configured (EMAIL_URL): messages wait.")
    ]
    assert OutgoingMessage.objects.get().state == State.SENT
    assert len(mail_server.accepted) == 1


def test_the_staff_find_messages_by_address_and_by_subject(admin_client, settings):
    settings.OUTBOX_AT_ONCE = False
    for subject, name in (("Minutes", "ada"), ("Invitation", "grace"), ("Invitation", "mary")):
        send_mail(subject, BODY, None, [f"{name}@example.org"])
    OutgoingMessage.objects.filter(to="mary@example.org").update(state=State.SENDING)

    def listed(**search) -> list:
        shown = admin_client.get(LIST, search).context["cl"]
        return [message.to.partition("@")[0] for message in shown.result_list]

    assert listed() == ["mary", "grace", "ada"], "the newest first"
    assert listed(q="ADA@") == ["ada"]
    assert listed(q="invit") == ["mary", "grace"]
    assert listed(state="waiting") == ["grace", "ada"]
    assert listed(state="sending") == ["mary"]
    assert listed(state="sent") == listed(state="troubled") == []
    page = admin_client.get(LIST)
    filters = dict(page.context["cl"].filter_specs[0].lookup_choices)
    assert list(filters) == ["troubled", *State.values]
    columns = page.context["cl"].list_display
    assert columns == ["action_checkbox", "to", "title", "state", "why", "attempts", "written_at",
                       "due", "finished_at"]  # fmt: skip
    due = re.findall(r'<td class="field-due[^>]*>([^<]*)<', page.text)
    assert [cell == "-" for cell in due] == [True, False, False], "the first is being sent"


def test_staff_who_may_only_look_send_nothing_again(mail_server, client):
    clerk = make_member("clerk@example.org", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_outgoingmessage"))
    client.force_login(clerk)
    send_mail("failed", BODY, None, ["ada@example.org"])
    OutgoingMessage.objects.update(state=State.FAILED)
    chosen = {"action": "send_again", "_selected_action": [OutgoingMessage.objects.get().pk]}

    client.post(LIST, chosen)
    assert OutgoingMessage.objects.get().state == State.FAILED

    clerk.user_permissions.add(Permission.objects.get(codename="change_outgoingmessage"))
    client.post(LIST, chosen)
    assert OutgoingMessage.objects.get().state == State.WAITING


def test_the_staff_see_what_waits_for_a_mail_server(admin_client, settings):
    settings.OUTBOX_BACKEND = None
    send_mail("Hello", BODY, None, ["ada@example.org"])
    send_mail("Hello", BODY, None, ["grace@example.org"])

    start = admin_client.get("/admin/").content.decode()

    assert "E-mail is not configured (EMAIL_URL)" in start
    assert "2 messages wait in the outbox." in start


@pytest.mark.parametrize(
    ("hours", "told"), [(0.9, ""), (1.1, "2 messages have been due for more than an hour")]
)
def test_the_staff_see_that_nothing_delivers(admin_client, settings, hours, told):
    """OUTBOX_IN_WEB is off, and no worker runs."""
    settings.OUTBOX_AT_ONCE = False
    for address in ("ada@example.org", "grace@example.org"):
        send_mail("Hello", BODY, None, [address])
    OutgoingMessage.objects.update(due_at=timezone.now() - timedelta(hours=hours))

    start = admin_client.get("/admin/").content.decode()

    assert ("have been due" in start) == bool(told)
    assert told in start


def nightly() -> str:
    output = io.StringIO()
    try:
        call_command("nightly", stdout=output)
    except CommandError as error:
        output.write(f"error: {error}")
    return output.getvalue()


def refuse() -> str:
    raise OperationalError("the disk\nis full")


def leave() -> str:
    raise SystemExit(3)


def test_the_nightly_command_reports_each_step(client, member):
    client.force_login(member)
    for key in (client.session.session_key, "ended"):
        UserSession.objects.create(user=member, session_key=key, ip="203.0.113.7", user_agent="x")

    report = nightly()

    assert re.fullmatch(
        r"clearsessions: done \(\d\.\d s\)\n"
        r"delete_expired_uploads: Deleted 0 expired uploads\. \(\d\.\d s\)\n"
        r"profiles\.batches\.models\.delete_old_reports: 0 [\w ]+ \(\d\.\d s\)\n"
        r"profiles\.invitations\.models\.delete_expired_lists: 0 [\w ]+ \(\d\.\d s\)\n"
        r"profiles\.privacy\.deletion\.delete_leavers: 0 members deleted \(\d\.\d s\)\n"
        r"profiles\.invitations\.inviting\.forget_former_members: 0 [\w ]+ \(\d\.\d s\)\n"
        r"profiles\.privacy\.openings\.delete_old: 0 [\w ]+ \(\d\.\d s\)\n"
        r"profiles\.weekly_openings\.tell_owners: 0 [\w ]+ \(\d\.\d s\)\n"
        r"portal\.accounts\.ended_sessions\.remove_records: 1 records removed \(\d\.\d s\)\n"
        r"portal\.outbox\.leftovers\.remove_old_messages: 0 messages removed \(\d\.\d s\)\n"
        r"index_profiles: Profiles: 1, brought up to date: 0\..* \(\d\.\d s\)\n",
        report,
    )
    assert UserSession.objects.get().session_key == client.session.session_key


@pytest.mark.parametrize("step", ["refuse", "leave"])
def test_a_nightly_step_that_fails_keeps_no_other_from_being_done(settings, step, member):
    settings.NIGHTLY = [f"{__name__}.{step}", "no_such_command", "clearsessions"]

    report = nightly()

    failed, unknown, done, error = report.splitlines()
    assert failed.startswith(f"{__name__}.{step}: failed, ")
    assert unknown.startswith("no_such_command: failed, CommandError")
    assert done.startswith("clearsessions: done")
    assert error.startswith("error: 2 of 3 steps failed: ")
    assert User.objects.filter(pk=member.pk).exists()


def test_what_has_only_just_been_written_is_no_trouble(mail_server, admin_client):
    send_mail("A subject", BODY, None, ["ada@example.org"])
    page = admin_client.get(f"{LIST}?state=troubled")
    assert page.context["cl"].result_count == 0

    OutgoingMessage.objects.update(last_error="450 later")

    assert admin_client.get(f"{LIST}?state=troubled").context["cl"].result_count == 1
