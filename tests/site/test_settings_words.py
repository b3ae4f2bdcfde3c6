"""Hosts, senders, mail servers, secret keys and other words: catalogue C7 and C8."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from tests.conftest import settings_for
from tests.settings import without_site_variables
from tests.support.deployed import ENVIRONMENT as DEPLOYED

ROOT = Path(__file__).parents[2]
LONG = "a-key-of-more-than-32-characters-0123456789"


def refusal(environment) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        settings_for(environment)
    return str(caught.value)


@pytest.mark.parametrize(
    "hosts",
    [
        "*.example.org",
        "portal.example.org,*",
        ".",
        "portal.example.org, .",
        ".org",
        "..example.org",
        "portal.example.org,https://www.example.org",
        "portal.example.org www.example.org",
        "portal.example.org;www.example.org",
        "'portal.example.org',www.example.org",
        "['portal.example.org']",
        "portal.example.org:443",
        "portal_1.example.org",
        "pörtal.example.org",
        "-portal.example.org",
        "user@portal.example.org",
        "portal.example.org?x",
        "::1",
        "[portal]",
        "[por:tal]",
        "[10.0.0.1]",
        "[::1",
        "[::1]:8000",
        ",",
    ],
)
def test_hosts_that_would_never_match_or_always_are_refused(hosts):
    """C5, C7: all requests would be answered 400, or any host would be trusted."""
    message = refusal(DEPLOYED | {"ALLOWED_HOSTS": hosts})

    assert "ALLOWED_HOSTS" in message
    assert "@" not in message


@pytest.mark.parametrize(
    ("hosts", "asked"),
    [
        (" portal.example.org ,  www.example.org\n", "www.example.org"),
        ("portal.example.org,,", "portal.example.org"),
        ("PORTAL.Example.org", "portal.example.org"),
        ("portal.example.org.", "portal.example.org"),
        (".example.org", "any.example.org"),
        ("xn--prtal-jua.example.org", "xn--prtal-jua.example.org"),
        ("[::1]", "[::1]:8000"),
        ("10.0.0.1", "10.0.0.1"),
        ("portal", "portal:8000"),
    ],
)
def test_hosts_are_repaired_and_match(hosts, asked, settings):
    """C7."""
    settings.ALLOWED_HOSTS = settings_for(DEPLOYED | {"ALLOWED_HOSTS": hosts})["ALLOWED_HOSTS"]

    assert RequestFactory().get("/", headers={"host": asked}).get_host() == asked


@pytest.mark.parametrize("hosts", ["*", ".", ".internal"])
def test_any_host_may_ask_a_laptop(hosts):
    """C5's control."""
    assert settings_for({"ALLOWED_HOSTS": hosts})["ALLOWED_HOSTS"] == [hosts]


@pytest.mark.parametrize(
    "sender",
    [
        "portal@example.org",
        "<portal@example.org>",
        "The Meridian Society <portal@example.org>",
        "St. Mary's & Friends <portal@example.org>",
        '"Meridian, Society" <portal@example.org>',
        "Société Méridienne <portal@example.org>",
        "portal@société.example",
        "portal@localhost",
    ],
)
def test_a_sender_is_one_mailbox(sender, settings):
    """C8: what the settings accept, Django sends."""
    settings.DEFAULT_FROM_EMAIL = settings_for(DEPLOYED | {"DEFAULT_FROM_EMAIL": sender})[
        "DEFAULT_FROM_EMAIL"
    ]

    mail.EmailMessage("Subject", "Body", to=["ada@example.org"]).message()

    assert sender == settings.DEFAULT_FROM_EMAIL


@pytest.mark.parametrize(
    "sender",
    [
        "Meridian, Society <portal@example.org>",
        "Meridian: Society <portal@example.org>",
        '"Meridian <portal@example.org>"',
        "The Meridian Society",
        "portal@example.org, office@example.org",
        "The Society portal@example.org",
        "<canary@example.org",
        "canary@example.org>",
        "canary@",
        "portal@exam ple.org",
        "portal@example..org",
        "portal@example.org.",
        "portal@-example.org",
        "portal@hostname",
        "portal@192.0.2.1",
        "société@example.org",
        "two..dots@example.org",
        "mailto:portal@example.org",
        "Portal <portal@example.org>\nBcc: everybody@example.org",
    ],
)
def test_a_sender_that_is_no_mailbox_is_refused(sender):
    """C8: each e-mail would fail, long after the site has started."""
    message = refusal(DEPLOYED | {"DEFAULT_FROM_EMAIL": sender})

    assert "DEFAULT_FROM_EMAIL" in message
    assert sender not in message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 25, "", False, False)),
        ("smtp+tls://u:p@mail.example.org", ("mail.example.org", 587, "u", True, False)),
        ("SMTP+TLS://u:p@mail.example.org:25", ("mail.example.org", 25, "u", True, False)),
        ("submission://u:p@mail.example.org", ("mail.example.org", 587, "u", True, False)),
        ("submit://u:p@mail.example.org", ("mail.example.org", 587, "u", True, False)),
        ("smtp+ssl://u:p@mail.example.org/", ("mail.example.org", 465, "u", False, True)),
        ("smtp://u:p@mail.example.org:465?ssl=True", ("mail.example.org", 465, "u", False, True)),
        ("smtp://u:p@[::1]:587?tls=1", ("::1", 587, "u", True, False)),
        ("smtp+tls://a%40b:p@mail.example.org", ("mail.example.org", 587, "a@b", True, False)),
    ],
)
def test_a_mail_server_is_what_its_address_says(url, expected):
    values = settings_for(DEPLOYED | {"EMAIL_URL": url})
    names = ("host", "port", "username", "use_tls", "use_ssl")

    assert values["OUTBOX_BACKEND"] == "portal.outbox.smtp.EmailBackend"
    assert tuple(values["OUTBOX_OPTIONS"][name] for name in names) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "mail.example.org:587",
        "smtp",
        "smtp+tls:",
        "smtp+tls://",
        "smtp+tls://u:s3cret@",
        "smtp+tls://u:s3cret@mail.example.org:port",
        "smtp+tls://u:s3cret@mail.example.org:0",
        "smtp+tls://u:s3cret@mail.example.org:99999",
        "smtp+tls://u:s3/cret@mail.example.org:587",
        "smtp+tls://u:1#s3cret@mail.example.org:587",
        "smtp+tls://u:s3cret@mail example.org",
        "smtp+tls://a user:s3cret@mail.example.org",
        "smtp+tls://u:s3cret@mail.example.org/path",
        "smtps://u:s3cret@mail.example.org",  # STARTTLS for some, TLS from the start for others
        "tls://u:s3cret@mail.example.org",
        "https://u:s3cret@mail.example.org",
        "console://",
        "dummy://",
    ],
)
def test_an_address_of_no_mail_server_is_refused(url):
    """C8: an e-mail would raise an error, or never leave."""
    message = refusal(DEPLOYED | {"EMAIL_URL": url})

    assert "EMAIL_URL" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("url", ["console:", "console://", "dummy://", "memory://"])
def test_a_laptop_may_send_nowhere(url):
    assert url.partition(":")[0] in settings_for({"EMAIL_URL": url})["OUTBOX_BACKEND"].replace(
        "locmem", "memory"
    )


@pytest.mark.parametrize("name", ["SITE_NAME", "DEFAULT_FROM_EMAIL", "EMAIL_URL", "SENTRY_DSN"])
@pytest.mark.parametrize("between", ["\n", "\r", "\x7f", "\u2028", "\u202e", "\x1b[2J", "\udcff"])
def test_what_cannot_be_seen_is_refused(name, between):
    """C8: a line break in a name would write headers of its own into each e-mail."""
    message = refusal(DEPLOYED | {name: f"Society{between}Bcc: everybody@example.org"})

    assert f"{name} holds a line break" in message
    assert message.isprintable() or message.count("\n") == message.count("  - ")


@pytest.mark.parametrize("name", ["Société & Söhne", "می‌دانم", "The “Meridian”", "x" * 80])
def test_a_society_is_called_what_it_likes(name):
    assert settings_for(DEPLOYED | {"SITE_NAME": name})["SITE_NAME"] == name


def test_a_name_that_is_too_long_for_a_subject_is_refused():
    assert "SITE_NAME" in refusal(DEPLOYED | {"SITE_NAME": "x" * 81})


@pytest.mark.parametrize(
    "key",
    [
        "short-secret",
        "a-key-of-31-characters-01234567",
        "ab" * 30,
        "insecure-and-public-for-development-only",
    ],
)
def test_a_key_that_can_be_guessed_is_refused(key):
    """C1, C8: whoever knows a key can sign sessions; signatures by former keys are valid, too."""
    new, former = {"SECRET_KEY": key}, {"SECRET_KEY_FALLBACKS": f"{LONG},{key}"}

    for environment, name in ((new, "SECRET_KEY"), (former, "SECRET_KEY_FALLBACKS")):
        message = refusal(DEPLOYED | environment)
        assert name in message
        assert key not in message
        assert settings_for(environment)["SITE_ENVIRONMENT"] == "development"


def test_former_keys_are_read_without_blanks():
    """C8's control."""
    values = settings_for(DEPLOYED | {"SECRET_KEY_FALLBACKS": f" {LONG} ,, {LONG}2\n"})

    assert values["SECRET_KEY_FALLBACKS"] == [LONG, f"{LONG}2"]


def test_all_slips_are_told_at_once():
    """C8."""
    half = "LIVE_STORAGE_BUCKET_NAME"
    slips = {
        "SECRET_KEY": "short",
        "ALLOWED_HOSTS": "https://portal.example.org/",
        "EMAIL_URL": "mail.example.org",
        "DEFAULT_FROM_EMAIL": "Meridian, Society <portal@example.org>",
        "SITE_NAME": "two\nlines",
        "TIME_ZONE": "London",
        "AWS_STORAGE_BUCKET_NAME": "Files",
        "AVATAR_MAX_BYTES": "-1",
        half: "live-files",
        "LOG_FORMAT": "'json'",
    }

    message = refusal(DEPLOYED | slips)

    assert message.count("  - ") == len(slips)
    assert all(name in message for name in {*slips, "LIVE_S3_REGION_NAME"} - {half})


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("AVATAR_MAX_BYTES", "0"),
        ("RESUME_MAX_BYTES", "0"),
        ("RESUME_MAX_BYTES", "1" * 40),
        ("RESUME_MAX_BYTES", "1.5"),
        ("RESUME_MAX_BYTES", "१०"),
        ("MEDIA_CACHE_SECONDS", "31536001"),
        ("SECURE_HSTS_SECONDS", "-1"),
        ("TRUSTED_PROXY_COUNT", "11"),
    ],
)
def test_a_limit_that_limits_nothing_or_all_is_refused(name, number):
    """C8."""
    assert name in refusal(DEPLOYED | {name: number})


@pytest.mark.parametrize(("name", "given"), [("DYNO", 1), ("SITE_NAME", 0)])
def test_one_proxy_is_trusted_on_heroku_and_none_elsewhere(name, given):
    """A client's own X-Forwarded-For must not count: it would forge the log-in throttle's."""
    assert settings_for(DEPLOYED | {name: "web.1"})["ALLAUTH_TRUSTED_PROXY_COUNT"] == given


@pytest.mark.django_db
def test_an_owner_is_told_of_changes_to_the_account(client, member):
    """A takeover is noticed by the e-mail that the owner gets."""
    client.force_login(member)
    passwords = {
        "oldpassword": "a long enough passphrase",
        "password1": "another long passphrase",
        "password2": "another long passphrase",
    }

    client.post("/accounts/password/change/", passwords)

    assert [message.to for message in mail.outbox] == [[member.email]]
    assert "password" in mail.outbox[0].subject.lower()


def run(code, environment):
    others = without_site_variables()
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=others | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


PAGE_AND_STYLESHEET = """
import re
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
page = client.get("/accounts/login/")
addresses = re.findall(r'/static/[^"]+', page.text)
for address in addresses:
    answer = client.get(address)
    print("asset", answer.status_code, address, len(b"".join(answer)) > 0)
"""


@pytest.mark.whole
@pytest.mark.parametrize("debug", ["off", "on"])
def test_a_laptop_serves_without_collectstatic(debug, tmp_path):
    """With DEBUG off, too: under their plain names, as the sources are."""
    environment = {
        "DEBUG": debug,
        "STATIC_ROOT": str(tmp_path / "none"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }

    done = run(PAGE_AND_STYLESHEET, environment)

    assets = [line for line in done.stdout.splitlines() if line.startswith("asset")]
    assert assets, done.stderr
    assert all(re.fullmatch(r"asset 200 /static/\S+ True", line) for line in assets), assets


@pytest.mark.whole
def test_a_deployed_site_still_needs_its_manifest(tmp_path):
    """Its control: under a plain name a browser would keep yesterday's style sheet."""
    code = "import django; django.setup(); from django.templatetags.static import static;"
    code += "static('portal.css')"

    done = run(code, DEPLOYED | {"STATIC_ROOT": str(tmp_path / "none")})

    assert "Missing staticfiles manifest entry" in done.stderr
