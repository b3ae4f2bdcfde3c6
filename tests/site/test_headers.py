"""The headers of every answer."""

import re

import pytest
from csp.constants import HEADER
from django.db import DataError, OperationalError, connection
from django.http import HttpResponse

from portal.middleware import content_security_policy, policy_header, private_pages
from tests.conftest import BUCKET, settings_for, use_settings
from tests.support.deployed import ENVIRONMENT as DEPLOYED
from tests.support.guarded import lacking

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ADDRESSES = [
    ("/", 200),
    ("/members/", 200),
    ("/members/999999/", 404),
    ("/members/1/resume/", 403),
    ("/me/", 302),
    ("/accounts/login/", 200),
    ("/admin/", 302),
    ("/nothing", 404),
    ("/healthz", 200),
]


def directives(response) -> dict:
    return {
        part.split()[0]: part.split()[1:]
        for part in response["Content-Security-Policy"].split("; ")
    }


@pytest.mark.parametrize(("address", "status"), ADDRESSES)
def test_every_answer_is_guarded(client, address, status):
    """H1: test_access.py does the same at every address."""
    response = client.get(address)

    assert response.status_code == status
    assert lacking(response) == {}


@pytest.mark.parametrize(
    ("error", "status"), [(DataError("ours"), 500), (OperationalError("gone"), 503)]
)
def test_the_page_of_an_error_is_guarded(client, error, status):
    """H1."""
    client.raise_request_exception = False

    def fail(*args):
        raise error

    with connection.execute_wrapper(fail):
        response = client.get("/members/")

    assert response.status_code == status
    assert lacking(response) == {}


def test_the_page_for_a_bad_request_is_guarded(client):
    """H1."""
    response = client.get("/", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert lacking(response) == {}


def test_content_comes_from_exactly_the_buckets(client, on_s3):
    """H5: no wildcard, and of each bucket only the prefix that is for it."""
    policy = directives(client.get("/"))
    bucket = f"{on_s3.endpoint_url}/{BUCKET}"

    images = [f"{bucket}/{prefix}/" for prefix in ("media", "assets", "protected")]
    assert policy["img-src"] == ["'self'", "data:", *images]
    assert policy["script-src"] == policy["style-src"] == ["'self'", f"{bucket}/assets/"]
    assert policy["form-action"] == ["'self'", f"{bucket}/protected/"]
    assert not [source for sources in policy.values() for source in sources if "*" in source]


def test_a_bucket_on_aws_is_named_in_full():
    """H5."""
    policy = settings_for(DEPLOYED)["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]

    assert "https://portal-files.s3.eu-west-1.amazonaws.com/media/" in policy["img-src"]


@pytest.fixture
def deployed(settings, monkeypatch):
    """The security settings of a deployed site."""
    values = settings_for(DEPLOYED)
    names = [name for name in values if re.match(r"SECURE_|SESSION_|CSRF_|ALLOWED_HOSTS", name)]
    use_settings(settings, monkeypatch, {name: values[name] for name in names})


def get(client, address, **headers):
    return client.get(address, headers={"host": "portal.example.org", **headers})


def test_a_deployed_site_insists_on_https(client, deployed):
    """H1, H3: one redirect, no loop behind the router."""
    plain = get(client, "/members/")
    secure = get(client, "/members/", **{"x-forwarded-proto": "https"})

    assert (plain.status_code, plain["Location"]) == (301, "https://portal.example.org/members/")
    assert secure.status_code == 200
    assert secure["Strict-Transport-Security"] == "max-age=31536000"


def test_health_is_told_over_http_too(client, deployed):
    assert get(client, "/healthz").status_code == 200
    assert get(client, "/readyz").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/healthz/",
        "/healthz/x",
        "/healthzz",
        "/xhealthz",
        "/members/healthz",
        "/readyz/",
        "/x/readyz",
    ],
)
def test_nothing_but_health_is_told_over_http(client, deployed, address):
    """H1: the exemption is for two addresses, not for all that have their names in them."""
    response = get(client, address)

    assert (response.status_code, response["Location"]) == (
        301,
        f"https://portal.example.org{address}",
    )


def test_cookies_are_for_this_host_and_https_alone(client, deployed, member):
    """A6."""
    get(client, "/accounts/login/", **{"x-forwarded-proto": "https"})
    client.post(
        "/accounts/login/",
        {"login": member.email, "password": "a long enough passphrase"},
        headers={"host": "portal.example.org", "x-forwarded-proto": "https"},
    )

    for name in ("__Host-sessionid", "__Host-csrftoken"):
        cookie = client.cookies[name]
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]
    assert client.cookies["__Host-sessionid"]["max-age"] == 14 * 24 * 60 * 60


def test_what_a_member_sees_is_not_cached(client, member):
    """H4: the Back button shows nothing after log-out."""
    assert "Cache-Control" not in client.get("/")
    client.force_login(member)

    for address in ["/", "/members/", "/me/", "/accounts/password/change/"]:
        assert "no-store" in client.get(address)["Cache-Control"]


def test_a_local_protected_file_runs_nothing(client, member, owner):
    """S11."""
    client.force_login(member)
    link = client.get(f"/members/{owner.profile.pk}/resume/")["Location"]

    response = client.get(link)
    list(response)  # to its end, which closes the file

    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("debug", "status", "is_guarded"),
    [
        (False, 200, True), (False, 404, True), (False, 500, True),
        (True, 200, True), (True, 403, True), (True, 404, False), (True, 500, False),
    ],
)  # fmt: skip
def test_only_the_pages_of_a_debugger_have_no_policy(settings, rf, debug, status, is_guarded):
    """H1: on a laptop they style inline."""
    settings.DEBUG = debug

    response = content_security_policy(lambda request: HttpResponse(status=status))(rf.get("/"))

    assert response.get(HEADER) == (policy_header() if is_guarded else None)


def test_an_answer_with_a_policy_of_its_own_keeps_it(rf):
    """H1: a file that is sandboxed, say."""
    own = HttpResponse(headers={HEADER: "sandbox"})

    assert content_security_policy(lambda request: own)(rf.get("/"))[HEADER] == "sandbox"


@pytest.mark.parametrize(
    ("cookies", "own", "expected"),
    [
        ({}, {}, None),
        ({"csrftoken": "x"}, {}, None),
        ({"sessionid": "x"}, {}, "max-age=0, no-cache, no-store, must-revalidate, private"),
        ({"sessionid": "x"}, {"Cache-Control": "public, max-age=9"}, "public, max-age=9"),
        ({}, {"Cache-Control": "public, max-age=9"}, "public, max-age=9"),
    ],
)
def test_a_page_of_a_session_is_kept_by_no_cache(rf, cookies, own, expected):
    """H4: unless it is one for everybody, which has a header of its own."""
    request = rf.get("/")
    request.COOKIES = cookies

    response = private_pages(lambda request: HttpResponse(headers=own))(request)

    assert response.get("Cache-Control") == expected
