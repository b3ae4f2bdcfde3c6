"""Guards of the site's own pages of an account: limits, caches, secrets in reports."""

import pytest
from django.core import mail
from django.test import Client

from portal.accounts.throttle import longest_wait, pages_wait
from profiles.models import User
from tests.accounts.address_steps import NEW, PAGE, ask, link_to, press
from tests.accounts.test_accounts import link_in, log_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(client, staff):
    """The link that invites a new member."""
    client.force_login(staff)
    client.post("/admin/profiles/user/add/", {"email": NEW, "name": "New"})
    client.logout()
    return link_in(mail.outbox[-1])


def test_the_pages_of_a_change_of_address_are_limited(client, member, settings):
    settings.ACCOUNT_RATE_LIMITS = {"manage_email": "2/m/user"}
    client.force_login(member)

    statuses = [client.post(PAGE, {"action_remove": ""}).status_code for _ in range(3)]

    assert statuses == [302, 302, 429]


def test_the_form_of_an_invitation_is_limited(invitation, settings):
    settings.ACCOUNT_RATE_LIMITS = {"reset_password_from_key": "2/m/ip"}
    visitor = Client()
    form = visitor.get(invitation)["Location"]

    passwords = {"password1": "short", "password2": "short"}
    statuses = [visitor.post(form, passwords).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


def test_a_link_to_an_address_is_sent_three_times_in_five_minutes(client, asked, settings):
    """For one member and one address; another address has a count of its own."""
    for _ in range(3):
        press(client, "action_send")
    sent = len(mail.outbox)

    for address, further in {NEW: 0, "newer@example.org": 2}.items():
        ask(client, address)  # to the new address, and a notice to the present one
        assert len(mail.outbox) == sent + further, address


def test_a_report_of_an_error_has_no_password_in_it(invitation):
    """Django masks what a view calls sensitive, in a report and on a page for developers."""
    visitor = Client()
    form = visitor.get(invitation)["Location"]

    answer = visitor.post(form, {"password1": PASSWORD, "password2": PASSWORD})

    assert answer.wsgi_request.sensitive_post_parameters == "__ALL__"


@pytest.mark.parametrize("who", ["the member", "another member", "a visitor"])
def test_no_page_of_a_link_is_kept_by_a_browser(client, asked, other_member, who):
    visitor = Client()
    if who == "the member":
        visitor = client
    elif who == "another member":
        log_in(visitor, other_member.email)

    assert "no-store" in visitor.get(link_to(NEW))["Cache-Control"]


def test_what_is_said_after_each_step_of_a_change(client, member):
    """Each once, and as what it is: done, or not done."""
    log_in(client, member.email)
    client.get(PAGE)

    def said(page):
        return [(each.level_tag, each.message) for each in page.context["messages"]]

    on_the_way = ("success", "A link is on its way to new@example.org.")
    assert said(ask(client, NEW)) == [on_the_way]
    for _ in range(2):
        press(client, "action_send")
    assert said(client.get(PAGE)) == [on_the_way] * 2
    press(client, "action_send")
    assert said(client.get(PAGE)) == [
        (
            "error",
            (
                "We have written to new@example.org several times just now. Please look among the"
                " unwanted mail there, or try again in five minutes."
            ),
        )
    ]
    link = link_to(NEW)
    client.post(link)
    page = client.get(PAGE)
    assert said(page) == [("success", "From now on you log in with new@example.org.")]
    assert page.context["new_address"] is None
    assert page.context["days"] == 3
    assert said(client.get(PAGE)) == []
    ask(client, "newer@bücher.example")
    assert client.get(PAGE).context["new_address"] == "newer@bücher.example"
    press(client, "action_remove")
    assert said(client.get(PAGE)) == [("success", "You keep new@example.org.")]


def test_a_link_to_confirm_is_sent_again_only_while_an_address_waits(client, member):
    client.force_login(member)

    assert press(client, "action_send")["Location"] == PAGE

    assert mail.outbox == []
    assert client.get(PAGE).context["new_address"] is None


def test_each_step_writes_to_whom_it_concerns_and_to_nobody_else(client, asked):
    """The notice at the present address, the link at the new one; then the notice of the change."""
    assert [message.to for message in mail.outbox] == [["ada@example.org"], [NEW]]

    press(client, "action_send")
    client.post(link_to(NEW))

    assert [message.to for message in mail.outbox[2:]] == [[NEW], ["ada@example.org"]]
    assert "ada@example.org" in mail.outbox[-1].body
    assert User.objects.get(pk=asked.pk).email == NEW


@pytest.mark.parametrize(
    ("limits", "waits", "pages"),
    [
        ({"login_failed": "10/m/ip,5/300s/key", "signup": "20/m/ip"}, 300, 60),
        ({"login_failed": "5/90s/key", "reset_password": "1/10m/ip,5/m/key"}, 90, 600),
        ({"login_failed": "1/h/ip", "confirm_email": "1/h/key", "login": "30/100s/ip"}, 3600, 100),
        ({"login_failed": False, "reset_password": False}, 60, 60),
    ],
)
def test_a_wait_is_the_longest_of_the_limits_that_may_have_refused(settings, limits, waits, pages):
    """Of failed log-ins and of links there is a word in the form; other pages name one wait."""
    settings.ACCOUNT_RATE_LIMITS = limits | dict.fromkeys(DEFAULT_LIMITS - limits.keys(), False)

    assert longest_wait({"login_failed"}) == waits
    assert pages_wait() == pages


DEFAULT_LIMITS = {
    "login", "login_failed", "signup", "reset_password", "reset_password_from_key",
    "change_password", "manage_email", "confirm_email", "reauthenticate", "change_phone",
    "verify_phone", "request_login_code",
}  # fmt: skip
