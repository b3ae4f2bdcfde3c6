"""What an Environment returns for a value that it refuses."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.environment import Environment

SRV = Path("/srv")


@pytest.mark.parametrize(
    ("value", "read", "instead"),
    [
        ("", lambda env: env.required("X"), ""),
        ("maybe", lambda env: env.flag("X", True), False),
        ("11", lambda env: env.number("X", 5, 1, 10), 5),
        ("-1", lambda env: env.number("X", 0, 0, 10), 0),
        ("", lambda env: env.hosts("X", may_be_any=False), []),
        ("a b", lambda env: env.key_id("X"), "refused"),
        ("a b", lambda env: env.secret("X"), "refused"),
        ("a b", lambda env: env.bucket("X"), "refused"),
        ("a b", lambda env: env.region("X"), "us-east-1"),
        ("a b", lambda env: env.version("X"), "refused"),
        ("a b", lambda env: env.prefix("X", "media"), "media"),
        ("a b", lambda env: env.folder("X"), ""),
        ("$NONE/a", lambda env: env.folder("X"), ""),
        ("s3.example.org", lambda env: env.web_address("X"), "https://refused.invalid"),
        ("smtp", lambda env: env.mail_server("X", may_be_none=True), (None, {})),
        ("London", lambda env: env.time_zone("X", "UTC"), "UTC"),
        ("~", lambda env: env.directory("X", SRV), SRV),
        ("", lambda env: env.database("X", may_be_sqlite=True), {}),
        ("x", lambda env: env.database("X", may_be_sqlite=True), {}),
        ("'x'", lambda env: env.value("X"), "x"),
        ("' x '", lambda env: env.value("X"), "x"),
        ("x\ny", lambda env: env.value("X"), "x"),
    ],
)
def test_a_refused_value_is_replaced_by_a_valid_one(value, read, instead):
    """So that one mistake gives one error, not one more for what is made of it."""
    env = Environment({"X": value})

    found = read(env)

    assert (found, type(found)) == (instead, type(instead))
    assert len(env.refusals) == 1
    assert env.refusals[0].startswith("X ")
    read(env)
    assert len(env.refusals) == 1, "each error once"
    with pytest.raises(ImproperlyConfigured):
        env.finish()


@pytest.mark.parametrize(
    ("read", "absent"),
    [
        (lambda env: env.value("X"), None),
        (lambda env: env.value("X", 7), 7),
        (lambda env: env.required("X", "y"), "y"),
        (lambda env: env.flag("X", True), True),
        (lambda env: env.flag("X", False), False),
        (lambda env: env.choice("X", ["a"], None), None),
        (lambda env: env.choice("X", ["a"], "a"), "a"),
        (lambda env: env.number("X", 5, 1, 10), 5),
        (lambda env: env.items("X"), []),
        (lambda env: env.hosts("X", ["a"], may_be_any=False), ["a"]),
        (lambda env: env.hosts("X", [], may_be_any=False), []),
        (lambda env: env.key_id("X"), None),
        (lambda env: env.prefix("X", "media"), "media"),
        (lambda env: env.folder("X"), ""),
        (lambda env: env.web_address("X"), None),
        (lambda env: env.host("X"), None),
        (lambda env: env.time_zone("X", "UTC"), "UTC"),
        (lambda env: env.directory("X", SRV), SRV),
        (lambda env: env.sentry_dsn("X"), None),
    ],
)
@pytest.mark.parametrize("variables", [{}, {"X": ""}, {"X": " \ufeff"}])
def test_an_absent_or_empty_variable_has_its_default(read, absent, variables):
    env = Environment(variables)

    found = read(env)

    assert (found, env.refusals) == (absent, [])
    env.finish()
