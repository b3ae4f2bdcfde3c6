"""E1, E2: every state of an account, and every way to change it, as one table."""

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from profiles.models import User
from tests.accounts.address_steps import ask, press
from tests.accounts.test_accounts import link_in, log_in, set_password
from tests.accounts.test_verified_address import findings
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

LIST = "/admin/profiles/user/"
ADDRESSES = {"old": "old@example.org", "new": "new@example.org", "other": "other@example.org"}

# state: what has happened to the account. way: what happens then. After it: the account's address,
# the one that waits for confirmation, those that log in with the password, and those that are sent
# a link to set another. `old` is the address that was invited, `new` the one that the member asks
# for, `other` the one that staff give. `set` is the password of a link that was followed.
TABLE = """
state                     way                          address   waits   logs in   resets
invited                   follow the invitation        old       -       old       old
invited                   member asks                  old       -       -         old
invited                   member confirms              old       -       -         old
invited                   another has it, confirms     old       -       -         old+new
invited                   member cancels               old       -       -         old
invited                   reset                        old       -       old       old
invited                   staff invite again           old       -       -         old
invited                   staff change the address     other     -       -         other
invited                   staff deactivate             old       -       -         -
invited                   staff reactivate             old       -       -         old
invited                   staff save                   old       -       -         old
invited again             follow the invitation        old       -       old       old
invited again             member asks                  old       -       -         old
invited again             member confirms              old       -       -         old
invited again             another has it, confirms     old       -       -         old+new
invited again             member cancels               old       -       -         old
invited again             reset                        old       -       old       old
invited again             staff invite again           old       -       -         old
invited again             staff change the address     other     -       -         other
invited again             staff deactivate             old       -       -         -
invited again             staff reactivate             old       -       -         old
invited again             staff save                   old       -       -         old
active                    follow the invitation        old       -       old       old
active                    member asks                  old       new     old       old
active                    member confirms              old       -       old       old
active                    another has it, confirms     old       -       old       old+new
active                    member cancels               old       -       old       old
active                    reset                        old       -       old       old
active                    staff invite again           old       -       old       old
active                    staff change the address     other     -       other     other
active                    staff deactivate             old       -       -         -
active                    staff reactivate             old       -       old       old
active                    staff save                   old       -       old       old
address pending           follow the invitation        old       new     old       old
address pending           member asks                  old       new     old       old
address pending           member confirms              new       -       new       new
address pending           another has it, confirms     old       new     old       old+new
address pending           member cancels               old       -       old       old
address pending           reset                        old       new     old       old
address pending           staff invite again           old       new     old       old
address pending           staff change the address     other     -       other     other
address pending           staff deactivate             old       new     -         -
address pending           staff reactivate             old       new     old       old
address pending           staff save                   old       new     old       old
deactivated               follow the invitation        old       -       -         -
deactivated               member asks                  old       -       -         -
deactivated               member confirms              old       -       -         -
deactivated               another has it, confirms     old       -       -         new
deactivated               member cancels               old       -       -         -
deactivated               reset                        old       -       -         -
deactivated               staff invite again           old       -       -         -
deactivated               staff change the address     other     -       -         -
deactivated               staff deactivate             old       -       -         -
deactivated               staff reactivate             old       -       old       old
deactivated               staff save                   old       -       -         -
deactivated, pending      follow the invitation        old       new     -         -
deactivated, pending      member asks                  old       new     -         -
deactivated, pending      member confirms              old       new     -         -
deactivated, pending      another has it, confirms     old       new     -         new
deactivated, pending      member cancels               old       new     -         -
deactivated, pending      reset                        old       new     -         -
deactivated, pending      staff invite again           old       new     -         -
deactivated, pending      staff change the address     other     -       -         -
deactivated, pending      staff deactivate             old       new     -         -
deactivated, pending      staff reactivate             old       new     old       old
deactivated, pending      staff save                   old       new     -         -
"""

STATES = {
    "invited": ["invite"],
    "invited again": ["invite", "staff invite again"],
    "active": ["invite", "follow the invitation"],
    "address pending": ["invite", "follow the invitation", "member asks"],
    "deactivated": ["invite", "follow the invitation", "staff deactivate"],
    "deactivated, pending": [
        "invite", "follow the invitation", "member asks", "staff deactivate"
    ],
}  # fmt: skip


class Account:
    """One account, the member's browser, and the browser of the staff."""

    def __init__(self, staff):
        self.browser, self.office = Client(), Client()
        self.office.force_login(staff)

    @property
    def user(self):
        return User.objects.exclude(is_staff=True).earliest("pk")

    def invite(self):
        self.office.post(f"{LIST}add/", {"email": ADDRESSES["old"], "name": "Ada"})

    def invite_again(self):
        data = {"action": "invite_again", "_selected_action": [self.user.pk]}
        self.office.post(LIST, data)

    def follow_invitation(self):
        follow([link_in(m) for m in mail.outbox if "invitation" in m.subject.lower()][-1])
        log_in(self.browser, ADDRESSES["old"])

    def ask(self):
        log_in(self.browser, ADDRESSES["old"])
        ask(self.browser, ADDRESSES["new"])

    def confirm(self):
        links = [link_in(m) for m in mail.outbox if m.to == [ADDRESSES["new"]]]
        self.browser.post(next((link for link in links if "confirm" in link), "/none/"))

    def confirm_too_late(self):
        self.office.post(f"{LIST}add/", {"email": ADDRESSES["new"], "name": "Grace"})
        self.confirm()

    def cancel(self):
        press(self.browser, "action_remove")

    def reset(self):
        before = len(mail.outbox)
        Client().post("/accounts/password/reset/", {"email": ADDRESSES["old"]})
        for message in mail.outbox[before:]:
            follow(link_in(message))

    def staff_save(self, **changed):
        user, profile = self.user, self.user.profile
        data = {
            "email": user.email,
            "is_active": "on" if user.is_active else "",
            "profile-0-id": profile.pk,
            "profile-0-user": user.pk,
            "profile-0-name": profile.name,
            "profile-0-visibility": "members",
            "profile-TOTAL_FORMS": 1,
            "profile-INITIAL_FORMS": 1,
        }
        self.office.post(f"{LIST}{user.pk}/change/", data | changed)

    def state(self) -> str:
        """Return what the table says of the account: address, waits, logs in, resets."""
        user = self.user
        waits = user.emailaddress_set.filter(verified=False).values_list("email", flat=True)
        entered = [name for name, email in ADDRESSES.items() if opens(email)]
        resets = [name for name, email in ADDRESSES.items() if is_sent_a_link(email)]
        names = {email: name for name, email in ADDRESSES.items()}
        columns = [[names[user.email]], [names[email] for email in waits], entered, resets]
        return " ".join("+".join(column) or "-" for column in columns)


def follow(link):
    visitor = Client()
    if visitor.get(link).status_code == 302:
        set_password(visitor, link, PASSWORD)


def opens(email) -> bool:
    visitor = Client()
    log_in(visitor, email)
    return visitor.get("/me/").status_code == 200


def is_sent_a_link(email) -> bool:
    before = len(mail.outbox)
    Client().post("/accounts/password/reset/", {"email": email})
    return [message.to for message in mail.outbox[before:]] == [[email]]


WAYS = {
    "invite": Account.invite,
    "follow the invitation": Account.follow_invitation,
    "member asks": Account.ask,
    "member confirms": Account.confirm,
    "another has it, confirms": Account.confirm_too_late,
    "member cancels": Account.cancel,
    "reset": Account.reset,
    "staff invite again": Account.invite_again,
    "staff change the address": lambda account: account.staff_save(email=ADDRESSES["other"]),
    "staff deactivate": lambda account: account.staff_save(is_active=""),
    "staff reactivate": lambda account: account.staff_save(is_active="on"),
    "staff save": Account.staff_save,
}


def outcomes(table=TABLE) -> dict:
    """Return the table's rows: (state, way) -> the rest of the line."""
    lines = table.strip().splitlines()
    way, address = lines[0].index("way"), lines[0].index("address")
    return {
        (line[:way].strip(), line[way:address].strip()): " ".join(line[address:].split())
        for line in lines[1:]
    }


@pytest.fixture
def account(staff):
    return Account(staff)


def test_the_table_is_complete():
    ways = [way for way in WAYS if way != "invite"]

    assert list(outcomes()) == [(state, way) for state in STATES for way in ways]


# Nearly each way once, from each state; make whole has all of the table, on SQLite.
PAIRS = [(state, way) for state in STATES for way in WAYS if way != "invite"]
IN_MAKE_TEST = PAIRS[::7]
LEFT_TO_WHOLE = [pytest.mark.whole, pytest.mark.any_database]


@pytest.mark.parametrize(
    ("state", "way"),
    [pytest.param(*p, marks=[] if p in IN_MAKE_TEST else LEFT_TO_WHOLE) for p in PAIRS],
)
def test_an_account_is_as_the_table_says(account, state, way):
    """E1, E2. In each of them the account has exactly one verified address."""
    for earlier in STATES[state]:
        WAYS[earlier](account)

    WAYS[way](account)

    assert findings() == []
    assert account.state() == outcomes()[state, way]


def test_an_owner_is_told_of_changes_to_an_account_that_is_not_active(client, staff, member):
    """Whatever else is sent to members is not sent to them; a takeover must not go unnoticed."""
    Authenticator.objects.create(user=member, type="totp", data={})
    User.objects.filter(pk=member.pk).update(is_active=False)
    client.force_login(staff)

    client.post(f"/admin/profiles/user/{member.pk}/second-factors/")

    [message] = mail.outbox
    assert message.to == [member.email]
