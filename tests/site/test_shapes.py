"""The shapes of values, each with its exact result: what settings are made of."""

import pytest

from portal import shapes

LONG = "a" * 63


def test_blanks_of_a_paste_are_taken_off_at_both_ends():
    for text, expected in (
        ("", ""),
        (" \t\r\n a b \n", "a b"),
        ("\u200b\ufeff a \ufeff\u200b", "a"),
        (" \u200b a\u200bb \u200b ", "a\u200bb"),
        ("\u200ca\u200d", "\u200ca\u200d"),
    ):
        assert shapes.without_blanks(text) == expected, ascii(text)


def test_a_character_that_cannot_be_seen_is_invisible():
    for character in "\0\n\x7f\x85\xad\u200b\u200e\u2028\u2029\u202e\ufeff\udcff":
        assert shapes.is_invisible(character) is True, ascii(character)
    for character in "a é\xa0\u3000\u200c\u200d…☃":
        assert shapes.is_invisible(character) is False, ascii(character)


def test_an_ip_address_is_told_from_a_name():
    for text in ("127.0.0.1", "::1", "2001:db8::5"):
        assert shapes.is_ip_address(text) is True, text
    for text in ("", "localhost", "[::1]", "1.2.3", "1.2.3.256"):
        assert shapes.is_ip_address(text) is False, text


@pytest.mark.parametrize(
    ("host", "if_any", "otherwise"),
    [
        ("*", True, False),
        (".", True, False),
        (".org", True, False),
        ("org", True, True),
        ("example.org", True, True),
        (".example.org", True, True),
        ("..example.org", False, False),
        ("[::1]", True, True),
        ("[1.2.3.4]", False, False),
        ("[::1", False, False),
        ("[]", False, False),
        ("", False, False),
        ("a..b", False, False),
        ("-a", False, False),
        ("a-", False, False),
        ("a_b", False, False),
        (LONG, True, True),
        (f"{LONG}a", False, False),
        (f"{LONG}.{LONG}.{LONG}.{LONG[:61]}", True, True),
        (f"{LONG}.{LONG}.{LONG}.{LONG[:62]}", False, False),
    ],
)
def test_a_host_is_the_sites_own(host, if_any, otherwise):
    assert shapes.is_own_host(host, may_be_any=True) is if_any
    assert shapes.is_own_host(host, may_be_any=False) is otherwise


def test_a_key_is_weak_if_it_is_short_or_of_few_characters():
    for key, is_weak in (("abcde" * 7, False), ("abcde" * 6 + "ab", False),
                         ("abcde" * 6 + "a", True), ("abcd" * 8, True), ("", True)):  # fmt: skip
        assert shapes.is_weak(key) is is_weak, key


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://s3.example.org", "https://s3.example.org"),
        ("http://s3.example.org/", "http://s3.example.org"),
        ("HTTPS://S3.Example.org:9000/a/b_c~%20/", "https://s3.example.org:9000/a/b_c~%20"),
        ("https://[2001:DB8::5]:9", "https://[2001:db8::5]:9"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("s3.example.org", None),
        ("//s3.example.org", None),
        ("https:///a", None),
        ("ftp://s3.example.org", None),
        ("https://u@s3.example.org", None),
        ("https://@s3.example.org", None),
        ("https://s3.example.org?", None),
        ("https://s3.example.org#", None),
        ("https://s3.example.org//a", None),
        ("https://s3.example.org/a b", None),
        ("https://s3.example.org:0", None),
        ("https://s3.example.org:65536", None),
        ("https://s3_example.org", None),
        ("https://[::1", None),
    ],
)
def test_a_web_address_has_one_form(text, address):
    assert shapes.web_address(text) == address


def test_a_host_may_have_a_port_and_nothing_else():
    for text in ("cdn.example.org", "cdn.example.org:8443", "localhost", "10.0.0.1"):
        assert shapes.is_host_with_port(text) is True, text
    for text in ("", "cdn.example.org:", "u@cdn.example.org", "cdn.example.org/a", "[::1]",
                 "cdn.example.org?", "cdn.example.org:0", "https://cdn.example.org"):  # fmt: skip
        assert shapes.is_host_with_port(text) is False, text


OF_SMTP = {
    "host": "mail.example.org", "port": 25, "username": "", "password": "", "use_ssl": False,
    "use_tls": False, "timeout": 10,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("smtp://mail.example.org", {}),
        ("smtp://mail.example.org:26/", {"port": 26}),
        ("smtp://mail.example.org?tls=Yes", {"use_tls": True}),
        ("smtp://mail.example.org?ssl=1", {"use_ssl": True}),
        ("smtp://mail.example.org?ssl=on&tls=y", {"use_ssl": True}),
        ("smtp://mail.example.org?ssl=off&tls=0", {}),
        ("smtp+tls://mail.example.org", {"port": 587, "use_tls": True}),
        ("smtp+tls://mail.example.org?ssl=true", {"port": 587, "use_ssl": True}),
        ("submission://mail.example.org", {"port": 587, "use_tls": True}),
        ("submit://mail.example.org", {"port": 587, "use_tls": True}),
        ("smtp+ssl://mail.example.org", {"port": 465, "use_ssl": True}),
        ("smtp://a%40b:%2Fp%3A@mail.example.org", {"username": "a@b", "password": "/p:"}),
    ],
)
def test_a_mail_server_has_all_that_a_connection_needs(text, options):
    for may_be_none in (True, False):
        assert shapes.mail_server(text, may_be_none=may_be_none) == (
            "portal.outbox.smtp.EmailBackend", OF_SMTP | options
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        ("console:", "console"),
        ("Console://", "console"),
        ("dummy://", "dummy"),
        ("memory:", "locmem"),
        ("console://x", None),
        ("smtp:", None),
        ("smtp://", None),
        ("smtp://mail.example.org/a", None),
        ("smtp://mail.example.org#a", None),
        ("tls://mail.example.org", None),
        ("", None),
    ],
)
def test_no_server_is_one_that_was_meant(text, backend):
    path = f"django.core.mail.backends.{backend}.EmailBackend"

    assert shapes.mail_server(text, may_be_none=True) == ((path, {}) if backend else None)
    assert shapes.mail_server(text, may_be_none=False) is None


USUAL = {
    "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": False,
    "USER": "", "PASSWORD": "", "HOST": "", "PORT": "",
}  # fmt: skip
LIMITS = {"connect_timeout": 5, "answer_timeout": 10}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
}
POSTGRESQL = {"ENGINE": "portal.postgresql", "NAME": "members", "OPTIONS": LIMITS}
AT_HOST = {"USER": "u", "PASSWORD": "p", "HOST": "db.example.org"}


@pytest.mark.parametrize(
    ("text", "on_a_laptop", "deployed"),
    [
        ("sqlite:////srv/db.sqlite3", SQLITE | {"NAME": "/srv/db.sqlite3"}, None),
        (
            "sqlite:////srv/a?timeout=3&transaction_mode=DEFERRED",
            SQLITE | {"NAME": "/srv/a", "OPTIONS": {"timeout": 3, "transaction_mode": "DEFERRED"}},
            None,
        ),
        (
            "postgres://u:p@db.example.org:5433/members",
            POSTGRESQL | AT_HOST | {"PORT": 5433, "OPTIONS": LIMITS | {"sslmode": "prefer"}},
            POSTGRESQL | AT_HOST | {"PORT": 5433, "OPTIONS": LIMITS | {"sslmode": "require"}},
        ),
        (
            "postgres://u:p@db/members?sslmode=verify-full&answer_timeout=2&connect_timeout=1",
            *[
                POSTGRESQL
                | AT_HOST
                | {"HOST": "db"}
                | {"OPTIONS": {"sslmode": "verify-full", "answer_timeout": 2, "connect_timeout": 1}}
            ]
            * 2,
        ),
        ("postgres:///members", POSTGRESQL, POSTGRESQL),
        (
            "postgres://%2Frun%2Fpg/members",
            POSTGRESQL | {"HOST": "/run/pg", "OPTIONS": LIMITS | {"sslmode": "prefer"}},
            POSTGRESQL | {"HOST": "/run/pg", "OPTIONS": LIMITS | {"sslmode": "require"}},
        ),
        ("postgres://db.example.org", None, None),
        ("postgres://u:p#w@db.example.org/members", None, None),
        ("postgres://u:p@db.example.org/members#1", None, None),
        ("postgres://u:p@db example.org/members", None, None),
        ("postgres://u:p@db.example.org/members?pgbouncer=true", None, None),
        ("postgres://db.example.org/a/b", None, None),
        ("mysql://u:p@db.example.org/members", None, None),
        ("members", None, None),
        ("", None, None),
    ],
)
def test_a_database_has_all_that_a_connection_needs(text, on_a_laptop, deployed):
    for may_be_sqlite, expected in ((True, on_a_laptop), (False, deployed)):
        found = shapes.database(text, may_be_sqlite=may_be_sqlite)
        assert found == (expected and USUAL | expected), may_be_sqlite


def test_a_mailbox_is_one_address_with_or_without_a_name():
    for text in ("a@example.org", "A B <a@example.org>", "St. Mary <a@example.org>", "a@localhost",
                 '"A, B" <a@example.org>', "a@société.example"):  # fmt: skip
        assert shapes.is_mailbox(text) is True, text
    for text in ("", "a", "a@", "a@b", "a@1.2.3.4", "a@b@c.example", "a@example.org, b@example.org",
                 "A: B <a@example.org>", "a..b@example.org", "é@example.org", "a@-x.example",
                 "Nobody:;"):  # fmt: skip
        assert shapes.is_mailbox(text) is False, text


def test_a_time_zone_has_the_name_that_the_database_gives_it():
    for text, name in (
        ("europe/london", "Europe/London"),
        ("UTC", "UTC"),
        ("London", None),
        ("", None),
    ):
        assert shapes.time_zone(text) == name
