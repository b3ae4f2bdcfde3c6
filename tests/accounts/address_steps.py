"""The steps of a change of address, as a browser takes them."""

from django.core import mail
from django.test import Client

from tests.accounts.test_accounts import is_logged_in, link_in, log_in
from tests.conftest import PASSWORD

PAGE = "/accounts/email/"
NEW = "new@example.org"


def ask(client, address, password=PASSWORD):
    """Ask for another address, and give the password when asked; return the last page."""
    answer = client.post(PAGE, {"email": address, "action_add": ""})
    if answer.status_code == 302 and "reauthenticate" in answer["Location"]:
        client.post(answer["Location"], {"password": password})
    return client.get(PAGE)


def link_to(address) -> str:
    """Return the newest link that was sent to an address."""
    messages = [message for message in mail.outbox if message.to == [address]]
    return link_in(messages[-1])


def press(client, button):
    return client.post(PAGE, {button: ""})


def written_to(address) -> list[str]:
    """Return the subjects of the messages to an address."""
    return [message.subject for message in mail.outbox if message.to == [address]]


def logs_in(email) -> bool:
    visitor = Client()
    log_in(visitor, email)
    return is_logged_in(visitor)


def waiting(user) -> list[str]:
    """Return the addresses that wait for confirmation."""
    return list(user.emailaddress_set.filter(verified=False).values_list("email", flat=True))


def text(page) -> str:
    """Return a page's HTML on one line."""
    return " ".join(page.content.decode().split())
