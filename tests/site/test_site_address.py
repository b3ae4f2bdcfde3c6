"""The address that links in messages begin with, whatever a client says in Host."""

import re

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.core import context
from django.core import mail
from django.test import Client, RequestFactory

from portal.accounts.site_address import site_url
from profiles.models import User
from tests.conftest import PASSWORD

HOST = "portal.example.org"


@pytest.fixture
def deployed(settings):
    settings.SITE_ENVIRONMENT = "production"
    settings.ALLOWED_HOSTS = [HOST, "[::1]", "localhost"]
    settings.EMAIL_CONFIGURED = True


def request_to(host: str):
    return RequestFactory().get("/", headers={"host": host})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (HOST, f"https://{HOST}"),
        (f"{HOST}:8443", f"https://{HOST}"),
        (f"{HOST}.:1", f"https://{HOST}"),
        ("Portal.Example.org:99", f"https://{HOST}"),
        ("[::1]:8000", "https://[::1]"),
    ],
)
def test_a_deployed_site_has_no_port_in_its_address(deployed, host, address):
    assert site_url(request_to(host)) == address


def test_runservers_port_stays(settings):
    assert site_url(request_to("localhost:8001")) == "http://localhost:8001"


def log_in(visitor, member):
    visitor.force_login(member)


def invite(visitor, staff):
    visitor.force_login(staff)
    visitor.post("/admin/profiles/user/add/", {"email": "new@example.org", "name": "New"})


def reset(visitor, member):
    visitor.post("/accounts/password/reset/", {"email": member.email})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [invite, reset], ids=lambda write: write.__name__)
def test_a_port_in_host_reaches_no_message(deployed, staff, write):
    """A password could be set by whoever listens at that port."""
    write(Client(headers={"host": f"{HOST}:1234"}), staff)

    [message] = mail.outbox
    links = re.findall(r"\S+://\S+", message.body)
    assert links
    assert all(link.startswith(f"https://{HOST}/") for link in links)
    assert "1234" not in message.subject + message.body


@pytest.mark.django_db
def test_a_port_in_host_reaches_no_message_of_allauths_either(deployed, member):
    """The confirmation of an address, and what the owner of a taken one is sent."""
    address = EmailAddress(user=member, email="new@example.org")
    with context.request_context(request_to(f"{HOST}:1234")):
        adapter = get_adapter()
        adapter.send_confirmation_mail(
            context.request, EmailConfirmationHMAC(address), signup=False
        )
        adapter.send_account_already_exists_mail("new@example.org")

    assert len(mail.outbox) == 2
    for message in mail.outbox:
        assert f"https://{HOST}/accounts/" in message.body
        assert "1234" not in message.body


@pytest.mark.django_db
def test_a_link_with_the_port_taken_out_opens_what_it_is_for(deployed, member):
    """The control: the path is allauth's own."""
    reset(Client(headers={"host": f"{HOST}:1234"}), member)
    path = re.search(rf"https://{HOST}(/\S+)", mail.outbox[0].body)[1]
    visitor = Client(headers={"host": HOST})
    form = visitor.get(path)["Location"]
    new = "quite another passphrase"

    visitor.post(form, {"password1": new, "password2": new})

    assert User.objects.get(pk=member.pk).check_password(new)
    assert not User.objects.get(pk=member.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    ("host", "words"),
    [("", "This site is not known"), ("evil.example", "This site is not known")],
)
def test_an_unknown_host_is_told_so_and_nothing_of_files(client, settings, host, words):
    settings.ALLOWED_HOSTS = [HOST]
    environ = {"HTTP_HOST": host} if host else {"SERVER_NAME": "10.0.0.1"}

    answer = client.get("/", **environ)

    assert answer.status_code == 400
    assert words in answer.text
    assert "file" not in answer.text
