"""The pages below /accounts/ are the site's own: allauth's words and layout show nowhere."""

import re
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings as site_settings
from django.core import mail
from django.template.loader import get_template
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.accounts.test_accounts import log_in, totp_code
from tests.conftest import PASSWORD, make_member

from .test_access import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SECRET = "JBSWY3DPEHPK3PXP"

# Templates of views that nobody is shown, and why.
UNSEEN = {
    "account/signup.html": "accounts are made by the staff",
    "account/confirm_login_code.html": "nobody logs in by code",
}


def is_ours(template: str) -> bool:
    origin = Path(get_template(template).origin.name)
    return origin.is_relative_to(site_settings.BASE_DIR / "templates")


def patterns(below=None):
    """Each address below /accounts/."""
    if below is None:
        below = [p for p in get_resolver().url_patterns if str(p.pattern).startswith("accounts/")]
    for pattern in below:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from patterns(pattern.url_patterns)


def test_every_template_that_a_view_names_is_the_sites_own():
    views = {getattr(pattern.callback, "view_class", None) for pattern in patterns()} - {None}
    named = {
        getattr(view, name)
        for view in views
        for name in ("template_name", "template_name_signup_closed")
        if getattr(view, name, None)
    }

    assert len(named) > 20
    assert {template for template in named if not is_ours(template)} == set(UNSEEN)


def visitor(kind, member):
    """Somebody who looks at all pages, and has just given the password where there is one."""
    client = Client()
    if kind != "nobody":
        log_in(client, member.email)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    if kind == "one with a key and an app":
        add_app(member)
        Authenticator.objects.create(
            user=member, type="webauthn", data={"name": "Key", "credential": {}}
        )
        Authenticator.objects.create(
            user=member, type="recovery_codes", data={"seed": "aa", "used_mask": 0}
        )
    if kind == "one without a password":
        member.set_unusable_password()
        member.save()
        client.force_login(member)
    return client


def add_app(member):
    return Authenticator.objects.create(user=member, type="totp", data={"secret": SECRET})


@pytest.mark.parametrize(
    "kind", ["nobody", "a member", "one with a key and an app", "one without a password"]
)
def test_every_page_is_rendered_by_a_template_of_the_sites_own(member, kind, monkeypatch):
    client = visitor(kind, member)
    # The key in the database is an invented one, which nobody could answer for.
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda user: [])

    shown = {}
    for route in addresses():
        if route.startswith("accounts/"):
            pk = Authenticator.objects.filter(type="webauthn").values_list("pk", flat=True).first()
            route = re.sub(r"\(\?P<\w+>[^)]+\)", "1", route)
            address = "/" + route.replace("<int:pk>", str(pk or 1))
            page = client.get(address)
            if page.templates:
                shown[address] = page.templates[0].name

    assert len(shown) >= 10
    assert {name for name in shown.values() if not is_ours(name)} == set()


@pytest.mark.parametrize(
    "template",
    [
        *(f"account/messages/{name}.txt" for name in ("password_changed", "password_set")),
        *(
            f"account/email/password_{what}_{part}.txt"
            for what in ("changed", "set", "reset", "reset_key")
            for part in ("subject", "message")
        ),
        *(
            f"mfa/{folder}/{what}{part}.txt"
            for what in (
                "totp_activated",
                "totp_deactivated",
                "webauthn_added",
                "webauthn_removed",
                "recovery_codes_generated",
            )
            for folder, part in (("messages", ""), ("email", "_subject"), ("email", "_message"))
        ),
        "usersessions/messages/sessions_logged_out.txt",
        "mfa/webauthn/snippets/scripts.html",
    ],
)
def test_what_is_said_after_a_change_is_the_sites_own(template):
    assert is_ours(template)


def test_a_changed_password_is_said_on_the_page_and_by_e_mail(client, member):
    log_in(client, member.email)
    new = "quite another passphrase"

    page = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
        follow=True,
        headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0"},
    )

    assert "Your password is changed." in page.content.decode()
    [message] = mail.outbox
    assert message.subject == "Our society: Your password was changed"
    lines = r"- on .*:\d\d \(UTC\)\n- from 127.0.0.1\n- with Chrome on Windows\n"
    assert re.search(lines, message.body)


def test_somebody_who_was_deactivated_is_told_so_in_the_sites_words(client, member):
    page = client.get("/accounts/inactive/").content.decode()

    assert "ask the staff" in page
    assert "<footer" in page


def test_a_wrong_second_factor_comes_with_what_to_do(client, member):
    add_app(member)
    log_in(client, member.email)
    address = "/accounts/2fa/authenticate/"

    page = client.post(address, {"code": "000000"}).content.decode()

    assert "Incorrect code" in page
    assert "no recovery code is left, ask" in page
    assert "recovery code" in page
    assert client.post(address, {"code": totp_code(SECRET)})["Location"] == "/"


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) "
)
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (f"{WINDOWS}Chrome/131.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS}Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge on Windows"),
        (f"{WINDOWS}Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0", "Opera on Windows"),
        (f"{MAC}Version/18.1 Safari/605.1.15", "Safari on a Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
         "Firefox on Linux"),
        (f"{ANDROID}Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"{ANDROID}SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
         "Samsung Internet on Android"),
        (f"{IPHONE}Version/18.1 Mobile/15E148 Safari/604.1", "Safari on an iPhone"),
        (f"{IPHONE}CriOS/131.0 Mobile/15E148 Safari/604.1", "Chrome on an iPhone"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
         "Chrome on ChromeOS"),
        ("Lynx/2.9 (Windows)", "A browser on Windows"),
        ("curl/8.11", "A browser or program that does not say which"),
        ("", "A browser or program that does not say which"),
    ],
)  # fmt: skip
def test_a_session_is_shown_in_words(client, member, user_agent, words):
    client.post(
        "/accounts/login/",
        {"login": member.email, "password": PASSWORD},
        headers={"user-agent": user_agent},
    )

    page = client.get("/accounts/sessions/").content.decode()

    assert f"<strong>{words}</strong>" in page
    assert "AppleWebKit" not in page
    assert "from 127.0.0.1" in page


def test_sessions_elsewhere_are_told_apart_and_ended(client, member):
    elsewhere = Client(headers={"user-agent": f"{WINDOWS}Chrome/131.0.0.0 Safari/537.36"})
    for each in (client, elsewhere):
        log_in(each, member.email)
    assert "Chrome on Windows" in client.get("/accounts/sessions/").content.decode()

    page = client.post("/accounts/sessions/", follow=True).content.decode()

    assert "You are logged out everywhere else." in page
    assert "Chrome on Windows" not in page
    assert UserSession.objects.count() == 1


def test_a_session_is_not_what_another_member_sees(client, member):
    other = make_member("grace@example.org")
    log_in(Client(headers={"user-agent": f"{MAC}Version/18.1 Safari/605.1.15"}), other.email)
    log_in(client, member.email)

    assert "Safari on a Mac" not in client.get("/accounts/sessions/").content.decode()


def test_an_app_on_the_same_phone_is_opened_by_a_link(client, member):
    log_in(client, member.email)

    page = client.get("/accounts/2fa/totp/activate/")

    [link] = re.findall('<a href="(otpauth://totp/[^"]*)">', page.text)
    assert f"secret={page.context['form'].secret}&amp;" in link


def test_recovery_codes_are_downloaded_with_what_they_are_for(client):
    log_in(client, make_member("anna@müller.example").email)
    activate = "/accounts/2fa/totp/activate/"
    client.post(f"/accounts/reauthenticate/?next={activate}", {"password": PASSWORD})
    client.post(activate, {"code": totp_code(client.get(activate).context["form"].secret)})

    codes = client.get("/accounts/2fa/recovery-codes/download/").content.decode()

    assert codes.startswith("Recovery codes of anna@müller.example at Our society")
    assert len(codes.split()) > 20
