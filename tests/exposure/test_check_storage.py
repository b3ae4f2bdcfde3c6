"""check_storage: green where files are as exposed as the policies say, and red everywhere else."""

import io
import json
import socket
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from portal import checks
from portal.exposure import anonymous_access as exposure
from portal.exposure import anonymous_client as strangers
from portal.exposure import signed_links
from portal.exposure.anonymous_client import Answer, Stranger
from portal.exposure.probes import FAIL, OK, WARN, Probe, Probes
from portal.s3 import client as s3
from tests.conftest import BUCKET, s3_client, settings_for
from tests.support import s3_request, strict_s3
from tests.support.strict_s3 import read_only

LIVE_BUCKET = "portal-live"
RELAXED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


def check(*arguments):
    """What the command found, as it says it; None where it ended well."""
    out = io.StringIO()
    try:
        call_command("check_storage", "--json", *arguments, stdout=out)
    except CommandError as error:
        ending = error
    else:
        ending = None
    found = [SimpleNamespace(**each) for each in json.loads(out.getvalue() or "[]")]
    assert "X-Amz-Signature" not in out.getvalue()
    return found, ending


def failed(*arguments):
    """The findings that are red, of a run that ended so; each says in one sentence what to do."""
    found, ending = check(*arguments)
    red = [each for each in found if each.outcome == FAIL]
    assert ending is not None
    assert ending.returncode == 1
    for each in red:
        assert each.advice.endswith(".")
        assert each.advice.count(". ") == 0
    return red


def only(red):
    assert len(red) == 1, red
    return red[0]


def names(server, bucket=BUCKET):
    return [
        item["Key"] for item in s3_client(server).list_objects_v2(Bucket=bucket).get("Contents", [])
    ]


def open_to_everyone(server, action, resource, **more):
    """Somebody's mistake: a statement more, beside those of setup_bucket."""
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=BUCKET)["Policy"])
    allow = {"Sid": "Oops", "Effect": "Allow", "Principal": "*", "Action": action}
    policy["Statement"].append(allow | {"Resource": resource} | more)
    s3_client(server).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def with_options(settings, everywhere=None, **changes):
    """Other options for some storages; a new setting, so that Django makes them anew."""
    settings.STORAGES = settings.STORAGES | {
        alias: place | {"OPTIONS": place["OPTIONS"] | (everywhere or changes.get(alias, {}))}
        for alias, place in settings.STORAGES.items()
        if alias != "staticfiles"
    }


# --- A site as it should be -----------------------------------------------------------


def test_all_is_green(on_s3):
    """S2 S3 S4 S5."""
    found, ending = check()

    assert ending is None
    assert [each.statement for each in found if each.outcome != OK] == ["links go over TLS alone"]
    stated = {(each.subject, each.statement.partition(" http")[0]) for each in found}
    assert {
        ("bucket", "strangers cannot list"),
        ("default", "strangers read it at"),
        ("assets", "strangers read it at"),
        ("protected", "strangers are refused it at"),
        ("protected", "a signed link opens it"),
        ("protected", "a link that is over is refused"),
        ("protected", "a link that was altered is refused"),
        ("protected", "strangers can neither write nor delete"),
    } < stated


def test_a_probe_is_stored_under_each_policy_and_none_is_left(on_s3):
    check()

    put = {r.key for r in on_s3.requests if r.method == "PUT" and r.status == 200}
    assert {key.partition("/check-storage-")[0] for key in put} == {"media", "protected", "assets"}
    assert len(put) == 3
    assert names(on_s3) == []


def test_a_person_reads_a_line_for_each_question(on_s3):
    out = io.StringIO()

    call_command("check_storage", stdout=out, no_color=True)

    lines = out.getvalue().splitlines()
    assert "ok    protected      a signed link opens it" in lines
    assert "      Set AWS_S3_ENDPOINT_URL to an address that starts with https://." in lines
    assert lines[-1].endswith("1 to look at, 0 failed.")


def test_the_least_that_the_key_may_be_allowed_is_enough(on_s3, monkeypatch):
    """It cannot delete assets, as no deploy does; so no probe is stored that would stay."""
    printed = io.StringIO()
    call_command("setup_bucket", "--print-iam", "app", stdout=printed)
    monkeypatch.setitem(on_s3.identities, "AKIAPORTAL", json.loads(printed.getvalue()))

    found, ending = check()

    assert ending is None
    assert [each.statement.partition(", ")[0] for each in found if each.subject == "assets"] == [
        "the site's key lists below assets/",
        "strangers can neither write nor delete",
    ]
    stored = [r.key for r in on_s3.requests if r.method == "PUT" and r.status == 200]
    assert [key.partition("/")[0] for key in stored] == ["media", "protected"]


# --- A bucket that is open by mistake -------------------------------------------------


@pytest.mark.parametrize("resource", ["*", "protected/*"])
def test_a_bucket_that_opens_protected_files_is_red(on_s3, resource):
    open_to_everyone(on_s3, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/{resource}")

    red = only(failed())

    assert (red.subject, red.said) == ("protected", "answered 200")
    assert red.statement.startswith("strangers are refused it at")
    assert f"Take what opens protected/* to Principal * out of the policy of {BUCKET}" in red.advice
    assert names(on_s3) == []


@pytest.mark.parametrize(
    "limits", [{}, {"Condition": {"StringLike": {"s3:prefix": "protected/*"}}}]
)
def test_a_bucket_that_lists_is_red(on_s3, monkeypatch, limits):
    monkeypatch.setattr(on_s3, "strangers_may", {"s3:GetObject", "s3:ListBucket"})
    assert check()[1] is None
    open_to_everyone(on_s3, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", **limits)

    red = only(failed())

    assert red.statement == f"strangers cannot list {on_s3.endpoint_url}/{BUCKET}"
    assert "s3:ListBucket" in red.advice


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject"])
def test_a_bucket_that_anybody_may_change_is_red(on_s3, monkeypatch, action):
    monkeypatch.setattr(on_s3, "strangers_may", {"s3:GetObject", action})
    open_to_everyone(on_s3, action, f"arn:aws:s3:::{BUCKET}/*")

    red = failed()

    assert [each.subject for each in red] == ["default", "protected", "assets"]
    assert {each.statement for each in red} == {"strangers can neither write nor delete"}
    assert names(on_s3) == []


def test_what_a_stranger_wrote_is_removed_or_named(on_s3, monkeypatch):
    """Where the key for assets cannot delete, the way to find out leaves a file."""
    monkeypatch.setattr(on_s3, "strangers_may", {"s3:GetObject", "s3:PutObject"})
    monkeypatch.setitem(
        on_s3.permissions,
        "AKIAPORTAL",
        lambda method, bucket, key: method != "DELETE" or not key.startswith("assets/"),
    )
    open_to_everyone(on_s3, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/assets/*")

    red = failed()

    assert [each.statement for each in red][1:] == ["the probe is removed again"]
    assert f"Delete {names(on_s3)[0]} from {BUCKET} by hand" in red[1].advice


# --- Settings that are wrong ----------------------------------------------------------


def test_the_secret_of_another_key_is_red(on_s3, settings):
    with_options(settings, everywhere={"secret_key": "no"})

    red = failed()

    assert [each.subject for each in red] == ["default", "protected", "assets"]
    assert {each.said for each in red} == {"answered SignatureDoesNotMatch"}
    assert red[0].advice == "Set AWS_SECRET_ACCESS_KEY to the secret half of AWS_ACCESS_KEY_ID."


def test_a_key_that_nobody_knows_is_red(on_s3, settings):
    settings.ASSETS_ACCESS_KEY_ID = "AKIAOTHER"
    with_options(settings, assets={"access_key": "AKIAOTHER"})

    red = only(failed())

    assert red.said == "answered InvalidAccessKeyId"
    assert red.advice.startswith("Set ASSETS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key pair")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_key_that_may_not_do_its_work_is_red(on_s3, monkeypatch, method):
    monkeypatch.setitem(
        on_s3.permissions,
        "AKIAPORTAL",
        lambda asked, bucket, key: asked != method or (key and not key.startswith("protected/")),
    )

    red = failed()

    assert all("--print-iam" in each.advice for each in red)
    assert "protected" in {each.subject for each in red}
    monkeypatch.delitem(on_s3.permissions, "AKIAPORTAL")
    assert names(on_s3) == []


def test_another_region_is_red(on_s3, settings):
    with_options(settings, everywhere={"region_name": "us-east-1"})

    red = failed()

    assert {each.said for each in red} == {"answered AuthorizationHeaderMalformed"}
    assert red[0].advice == f"Set AWS_S3_REGION_NAME to the region that the bucket {BUCKET} is in."


def test_the_region_that_aws_names_is_red(on_s3):
    """AWS tells strangers, too, where a bucket is; boto3 would go there without a word."""
    aws = SimpleNamespace(ask=lambda *_: Answer(301, {"x-amz-bucket-region": "us-east-2"}))

    found = exposure.bucket_answers("default", storages["default"], aws)

    assert (found.outcome, found.said) == (FAIL, "it is in us-east-2")
    assert found.advice.startswith("Set AWS_S3_REGION_NAME")


def test_a_bucket_that_is_not_there_is_red(on_s3, settings):
    with_options(settings, protected={"bucket_name": "portal-nowhere"})
    settings.PROTECTED_BUCKET_NAME = "portal-nowhere"

    red = only(failed())

    assert red.statement.startswith("portal-nowhere answers")
    assert red.advice == (
        "Run setup_bucket, which makes the bucket portal-nowhere, or correct PROTECTED_BUCKET_NAME."
    )


def test_a_clock_that_s3_refuses_is_red(on_s3):
    on_s3.advance(3600)

    red = failed()

    assert {each.said for each in red} == {"answered RequestTimeTooSkewed"}
    assert "clock" in red[0].advice


@pytest.mark.parametrize(("seconds", "outcome"), [(-30, OK), (90, FAIL), (-90, FAIL)])
def test_a_clock_that_shortens_links_is_red(on_s3, monkeypatch, seconds, outcome):
    moved = timezone.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(exposure, "timezone", SimpleNamespace(now=lambda: moved))

    found = exposure.bucket_answers("default", storages["default"], Stranger())

    assert found.outcome == outcome


def test_a_prefix_that_the_policy_does_not_open_is_red(on_s3, settings):
    with_options(settings, default={"location": "pictures"})

    red = only(failed())

    assert (red.subject, red.said) == ("default", "answered 403 AccessDenied")
    assert red.advice.startswith(f"Run setup_bucket, which opens pictures/* of {BUCKET};")


@pytest.mark.parametrize("alias", ["default", "protected", "assets"])
def test_a_policy_without_a_prefix_is_red(on_s3, settings, alias):
    with_options(settings, **{alias: {"location": ""}})

    red = only(failed())

    assert (red.subject, red.said) == ("settings", "portal.E003")
    assert f'STORAGES["{alias}"]' in red.advice
    assert on_s3.requests == []


def test_a_custom_domain_on_the_protected_storage_is_red(on_s3, settings):
    with_options(settings, protected={"custom_domain": "cdn.example.org"})

    red = only(failed())

    assert (red.subject, red.said) == ("settings", "portal.E002")
    assert "custom_domain" in red.advice
    assert on_s3.requests == []


def test_files_that_are_lives_are_not_touched(on_s3, settings):
    settings.LIVE_STORAGES = {alias: settings.STORAGES[alias] for alias in ("default", "protected")}

    found, ending = check()

    assert "nothing was tried" in str(ending)
    assert found == []
    assert on_s3.requests == []


# --- Links ----------------------------------------------------------------------------


def test_a_server_that_takes_links_for_ever_is_red(on_s3, monkeypatch):
    """S2."""
    monkeypatch.setattr(s3_request, "check_lifetime", lambda *_: None)
    s3_client(on_s3).put_bucket_policy(Bucket=BUCKET, Policy=policy_without_link_age(on_s3))

    assert only(failed()).statement == "a link that is over is refused"


def policy_without_link_age(server) -> str:
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=BUCKET)["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    return json.dumps(policy)


def test_a_server_that_takes_any_signature_is_red(on_s3, monkeypatch):
    """S3."""
    monkeypatch.setattr(s3_request, "compare_digest", lambda *_: True)

    assert only(failed()).statement == "a link that was altered is refused"


def test_a_server_that_ignores_what_is_signed_into_links_is_red(on_s3, monkeypatch):
    """S5."""
    stored = {"Content-Disposition": "attachment"}
    monkeypatch.setattr(strict_s3, "header_overrides", lambda *_: stored)

    red = only(failed())

    assert red.said == "content-disposition: attachment"
    assert "response-*" in red.advice


def test_a_policy_that_refuses_links_is_red(on_s3):
    """A Deny for everybody is one for the holders of links, too."""
    policy = json.loads(s3_client(on_s3).get_bucket_policy(Bucket=BUCKET)["Policy"])
    deny = {"Sid": "Oops", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}
    policy["Statement"].append(deny | {"Resource": f"arn:aws:s3:::{BUCKET}/protected/check*"})
    # An upload begins with a HEAD, which is a GetObject, too: let it pass.
    policy["Statement"][-1]["Condition"] = {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}
    s3_client(on_s3).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    assert only(failed()).statement == "a signed link opens it"


@pytest.mark.parametrize(("status", "outcome"), [(200, WARN), (403, OK), (301, OK), (0, OK)])
def test_plain_http_beside_https_is_worth_a_word(on_s3, status, outcome):
    asked = []

    def ask(method, url):
        asked.append(url)
        return Answer(status)

    link = "https://files.s3.eu-west-1.amazonaws.com/protected/x.txt?X-Amz-Signature=1"

    found = only(list(signed_links.only_tls("protected", link, SimpleNamespace(ask=ask))))

    assert found.outcome == outcome
    assert asked == [link.replace("https:", "http:")]


def test_an_endpoint_without_tls_is_red_where_people_depend_on_it(on_s3, settings):
    settings.SITE_ENVIRONMENT = "production"

    assert only(failed()).said == "the endpoint is http://"


# --- A CDN ----------------------------------------------------------------------------


class Cdn:
    """Serves a bucket from its root, as CDNs do that hold a key for it; on a port of its own."""

    def __init__(self, server):
        self.opens = ("media/", "assets/")
        self.lists, self.writes, self.drops, self.swaps = False, False, (), {}
        self._client = s3_client(server)
        self._http = make_server("127.0.0.1", 0, Request.application(self.answer), threaded=True)
        self.domain = f"127.0.0.1:{self._http.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, request):
        key = request.path[1:]
        if self.lists and not key and "prefix" not in request.args:
            return Response("<ListBucketResult><Contents/></ListBucketResult>")
        if request.path == "/":
            return Response("Welcome.")
        if not key.startswith(self.opens):
            return Response("Forbidden", 403)
        if request.method == "PUT" and self.writes:
            self._client.put_object(Bucket=BUCKET, Key=key, Body=request.data)
            return Response()
        if request.method != "GET":
            return Response("Not allowed", 405)
        try:
            found = self._client.get_object(Bucket=BUCKET, Key=key)
        except ClientError:
            return Response("Not found", 404)
        headers = {"Content-Type": found["ContentType"], "Cache-Control": found["CacheControl"]}
        kept = {name: value for name, value in headers.items() if name not in self.drops}
        with found["Body"] as body:
            content = body.read()
        return Response(self.swaps.get(key.partition("/")[0], content), headers=kept)


@pytest.fixture
def cdn(on_s3, settings):
    """A CDN before the bucket, as AWS_S3_CUSTOM_DOMAIN names one; over http, for want of TLS."""
    with Cdn(on_s3) as cdn:
        domain = {"custom_domain": cdn.domain, "url_protocol": "http:"}
        with_options(settings, default=domain, assets=domain)
        yield cdn


def test_a_cdn_for_the_public_prefixes_is_green(cdn):
    found, ending = check()

    assert ending is None
    at_cdn = [each.statement for each in found if cdn.domain in each.statement]
    assert at_cdn == [
        f"strangers cannot list http://{cdn.domain}",
        f"strangers read it at http://{cdn.domain}",
        f"strangers are refused it at http://{cdn.domain}",
        f"strangers read it at http://{cdn.domain}",
    ]


def test_a_cdn_that_opens_the_whole_bucket_is_red(cdn):
    cdn.opens = ("",)

    red = only(failed())

    assert red.statement == f"strangers are refused it at http://{cdn.domain}"
    assert "PROTECTED_BUCKET_NAME" in red.advice


def test_a_cdn_that_lists_is_red(cdn):
    cdn.lists = True

    assert only(failed()).statement == f"strangers cannot list http://{cdn.domain}"


def test_a_cdn_that_hides_a_public_prefix_is_red(cdn):
    cdn.opens = ("assets/",)

    red = only(failed())

    assert (red.subject, red.said) == ("default", "answered 403")
    assert red.advice == f"Make http://{cdn.domain} serve media/* of the bucket {BUCKET}."


def test_a_cdn_that_serves_something_else_is_red(cdn):
    cdn.swaps = {"media": b"Welcome."}

    assert only(failed()).said == "answered with something else"


def test_a_cdn_that_drops_a_header_is_red(cdn):
    cdn.drops = ("Cache-Control",)

    red = failed()

    assert [(each.subject, each.said) for each in red] == [
        ("default", "cache-control: (none)"),
        ("assets", "cache-control: (none)"),
    ]


def test_a_cdn_that_writes_for_strangers_is_red(cdn, on_s3):
    cdn.writes = True

    red = failed()

    assert [each.subject for each in red] == ["default", "assets"]
    assert {each.statement for each in red} == {"strangers can neither write nor delete"}
    assert names(on_s3) == []


# --- Probes ---------------------------------------------------------------------------


@pytest.mark.parametrize("what", [KeyboardInterrupt, RuntimeError])
def test_no_probe_is_left_by_a_run_that_is_cut_off(on_s3, monkeypatch, what):
    def ask(self, method, url, body=None):
        if "/protected/check-storage" in url:
            raise what
        return Answer(200 if method == "HEAD" else 403)

    monkeypatch.setattr(Stranger, "ask", ask)

    with pytest.raises((CommandError, RuntimeError)) as caught:
        call_command("check_storage", stdout=io.StringIO())

    assert what is RuntimeError or caught.value.returncode == 130
    assert [r.key[:6] for r in on_s3.requests if r.method == "PUT"] == ["media/", "protec"]
    assert names(on_s3) == []


def test_no_probe_is_left_by_an_upload_that_is_cut_off(on_s3, monkeypatch):
    """S3 may have it although nobody heard the answer."""
    probes, probe = Probes(), Probe.of(storages["default"])
    save = probe.storage.save

    def cut_off(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(probe.storage, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        probes.write(probe)
    assert names(on_s3) == [probe.key]

    assert list(probes.remove()) == []

    assert names(on_s3) == []


def test_a_probe_that_cannot_be_removed_is_named(on_s3):
    asked = []

    def at_the_end(request):
        is_ours = request.method == "DELETE" and "authorization" in request.headers
        asked.append(request.key) if is_ours and request.key.startswith("media/") else None
        return is_ours and len(asked) > 1 and request.key.startswith("media/")

    on_s3.fail_next(403, "AccessDenied", times=1, matching=at_the_end)

    red = only(failed())

    left = only(names(on_s3))
    assert red.statement == "the probe is removed again"
    assert f"Delete {left} from {BUCKET} by hand" in red.advice


def test_a_second_interruption_names_what_it_leaves(on_s3, monkeypatch):
    probes, probe = Probes(), Probe.of(storages["default"])
    probes.write(probe)

    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(probe.storage, "delete", interrupted)

    assert probe.key in only(list(probes.remove())).advice


# --- A server that does not answer ----------------------------------------------------


def test_a_server_that_hangs_is_asked_once(on_s3, settings, monkeypatch):
    """F1. The command's time is a few time-outs, however many questions there are."""
    monkeypatch.setattr(s3, "READ_TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as hung:
        endpoint_url = f"http://127.0.0.1:{hung.getsockname()[1]}"
        with_options(settings, everywhere={"endpoint_url": endpoint_url})

        red = only(failed())

        hung.setblocking(False)
        connection, _ = hung.accept()
        connection.close()
        with pytest.raises(BlockingIOError):
            hung.accept()
    assert red.said == "no answer: ReadTimeoutError"
    assert red.advice.startswith("Correct AWS_S3_ENDPOINT_URL, or run this again")


def test_a_server_that_falls_silent_is_asked_no_more(on_s3, settings, monkeypatch):
    """F1."""
    monkeypatch.setattr(Stranger, "ask", lambda *_: Answer(403))
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        endpoint_url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with_options(settings, everywhere={"endpoint_url": endpoint_url})

    red = only(failed())

    assert (red.subject, red.said) == ("default", "no answer: EndpointConnectionError")


def test_a_host_that_was_silent_once_is_not_asked_again():
    """F1. Be it the bucket's or a CDN's: each costs one time-out."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    stranger = Stranger()

    assert str(stranger.ask("GET", f"{address}/x")) == "no answer: NewConnectionError"
    assert str(stranger.ask("GET", f"{address}/y")) == "no answer, as before"


def test_only_the_beginning_of_a_large_answer_is_read(on_s3, monkeypatch):
    s3_client(on_s3).put_object(Bucket=BUCKET, Key="media/large", Body=b"x" * 5000)
    monkeypatch.setattr(strangers, "MAX_BODY_BYTES", 1000)

    assert len(Stranger().ask("GET", f"{on_s3.endpoint_url}/{BUCKET}/media/large").body) == 1000


# --- The assets of the build ----------------------------------------------------------


@pytest.fixture
def built(on_s3, settings, tmp_path):
    """The site on S3, with a build of its own in the bucket."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "portal.css").write_text("p { margin: 0 }\n" * 99)
    (source / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    uploaded = {"BACKEND": "portal.files.assets.UploadedStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": uploaded}
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.STORAGES = settings.STORAGES | {}  # as in a new process
    staticfiles_storage._wrapped = storages["staticfiles"]
    return on_s3


def test_the_assets_that_pages_name_are_there(built):
    found, ending = check()

    assert ending is None
    about = [each.statement for each in found if "as it was built" in each.statement]
    assert [statement.partition(".")[0] for statement in about] == ["portal", "dot"]


def test_the_stylesheet_it_asks_for_is_that_of_every_page():
    base = (settings_for({})["BASE_DIR"] / "templates/base.html").read_text()

    assert f"{{% static '{exposure.STYLESHEET}' %}}" in base


def test_an_asset_that_is_gone_is_red(built):
    hashed = storages["staticfiles"].stored_name("portal.css")
    s3_client(built).delete_object(Bucket=BUCKET, Key=f"assets/{hashed}")

    red = only(failed())

    assert red.statement.startswith(hashed)
    assert red.advice.startswith("Run collectstatic again")


@pytest.mark.parametrize(
    ("body", "caching", "said"),
    [
        (None, "no-cache", "cache-control: no-cache"),
        (b"other bytes", "public, max-age=31536000, immutable", "answered 200"),
    ],
)
def test_an_asset_that_is_another_is_red(built, settings, body, caching, said):
    hashed = storages["staticfiles"].stored_name("dot.svg")
    s3_client(built).put_object(
        Bucket=BUCKET,
        Key=f"assets/{hashed}",
        Body=body or (settings.STATIC_ROOT / hashed).read_bytes(),
        ContentType="image/svg+xml",
        CacheControl=caching,
    )

    assert only(failed()).said == said


def test_a_build_that_was_never_uploaded_is_worth_a_word(built, settings):
    (settings.STATIC_ROOT / "uploaded.json").unlink()
    settings.STORAGES = settings.STORAGES | {}

    found, ending = check()

    assert ending is None
    assert [each.advice for each in found if each.statement.startswith("pages name")] == [
        "Run collectstatic with these settings (on Heroku: push a commit)."
    ]


# --- The keys for live ----------------------------------------------------------------


@pytest.fixture
def live(on_s3, s3_environment, settings, monkeypatch):
    """The keys of a staging site for its live site, whose bucket has one file in each place."""
    on_s3._backend.create_bucket(LIVE_BUCKET, "eu-west-1")
    monkeypatch.setitem(on_s3.credentials, "AKIALIVE", "live-secret")
    monkeypatch.setitem(on_s3.permissions, "AKIALIVE", read_only)
    settings.LIVE_STORAGES = settings_for(
        s3_environment
        | {
            "LIVE_STORAGE_BUCKET_NAME": LIVE_BUCKET,
            "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
            "LIVE_READ_ONLY_SECRET_KEY": "live-secret",
            "LIVE_S3_REGION_NAME": "eu-west-1",
            "LIVE_S3_ENDPOINT_URL": on_s3.endpoint_url,
        }
    )["LIVE_STORAGES"]
    for key in ("media/avatars/x.webp", "protected/resumes/x.pdf"):
        s3_client(on_s3).put_object(Bucket=LIVE_BUCKET, Key=key, Body=b"x")
    on_s3.clear()
    return on_s3


def lives(found):
    return [each for each in found if each.subject.startswith("live ")]


def test_keys_that_only_read_live_are_green(live):
    """Y2. What is tried besides reading is refused, and would have stored nothing."""
    found, ending = check()

    assert ending is None
    assert [each.outcome for each in lives(found)] == [OK] * 6
    asked = {(r.method, *r.query) for r in live.requests if r.access_key == "AKIALIVE"}
    tried = {
        (r.method, r.status) for r in live.requests if r.bucket == LIVE_BUCKET and r.status == 403
    }
    assert {method for method, *_ in asked} == {"GET", "HEAD", "POST", "DELETE"}
    assert {method for method, _ in tried} == {"HEAD", "POST", "DELETE"}
    assert not [r for r in live.requests if r.bucket == LIVE_BUCKET and r.method == "PUT"]


def test_a_live_key_that_stores_is_red_and_leaves_nothing(live, monkeypatch):
    monkeypatch.setitem(
        live.permissions,
        "AKIALIVE",
        lambda method, bucket, key: "x." not in key or method == "HEAD",
    )

    red = failed()

    assert [(each.subject, each.statement) for each in red] == [
        ("live default", "the key cannot store"),
        ("live default", "the key cannot delete"),
        ("live protected", "the key cannot store"),
        ("live protected", "the key cannot delete"),
    ]
    assert red[0].said == "it began to; nothing was stored"
    assert "--print-iam live" in red[0].advice
    assert names(live, LIVE_BUCKET) == ["media/avatars/x.webp", "protected/resumes/x.pdf"]
    assert "Uploads" not in s3_client(live).list_multipart_uploads(Bucket=LIVE_BUCKET)


def test_an_upload_to_live_that_cannot_be_taken_back_is_named(live, monkeypatch):
    monkeypatch.setitem(
        live.permissions, "AKIALIVE", lambda method, bucket, key: method != "DELETE"
    )

    red = failed()

    begun = s3_client(live).list_multipart_uploads(Bucket=LIVE_BUCKET)["Uploads"][0]["Key"]
    assert red[0].said == f"it began to; the unfinished upload of {begun} could not be taken back"


def test_live_keys_that_read_nothing_are_red(live, monkeypatch):
    monkeypatch.setitem(
        live.permissions, "AKIALIVE", lambda *asked: read_only(*asked) and not asked[2]
    )

    red = failed()

    assert {each.statement for each in red} == {
        "the key lists and reads below media/",
        "the key lists and reads below protected/",
    }


def test_a_wrong_secret_for_live_is_red(live, settings):
    settings.LIVE_STORAGES = {
        alias: place | {"OPTIONS": place["OPTIONS"] | {"secret_key": "no"}}
        for alias, place in settings.LIVE_STORAGES.items()
    }

    red = failed()

    assert red[0].advice == (
        "Set LIVE_READ_ONLY_SECRET_KEY to the secret half of LIVE_READ_ONLY_ACCESS_KEY_ID."
    )


def test_a_live_prefix_with_nothing_below_it_is_worth_a_word(live):
    s3_client(live).delete_object(Bucket=LIVE_BUCKET, Key="media/avatars/x.webp")

    found, ending = check()

    assert ending is None
    assert [each.said for each in lives(found) if each.outcome == WARN] == [
        "there is nothing to read"
    ]


# --- Showing the settings -------------------------------------------------------------


def test_it_shows_where_files_are_without_secrets_and_requests(live):
    out = io.StringIO()

    call_command("check_storage", "--show", stdout=out, no_color=True)

    shown = out.getvalue()
    assert "portal-secret" not in shown
    assert "live-secret" not in shown
    assert "AKIAPORTAL" not in shown
    assert "AKIA..." in shown
    assert live.requests == []


def test_it_shows_each_storage_as_it_resolved(live):
    out = io.StringIO()

    call_command("check_storage", "--show", "--json", stdout=out)

    shown = json.loads(out.getvalue())
    assert shown.keys() == {
        "default", "protected", "assets", "staticfiles", "live default", "live protected"
    }  # fmt: skip
    address = f"{live.endpoint_url}/{BUCKET}/"
    assert shown["default"] == {
        "class": "PublicMediaStorage",
        "bucket": BUCKET,
        "region": "eu-west-1",
        "endpoint": live.endpoint_url,
        "addressing": "path",
        "prefix": "media/",
        "address": address,
        "custom domain": "none",
        "links": f"open to everyone, {address}media/",
        "caching": "public, max-age=86400",
        "key": "AKIA...",
    }
    assert shown["protected"]["links"] == "signed, good for 600 s"
    assert shown["live protected"]["bucket"] == LIVE_BUCKET


def test_a_laptop_has_nothing_to_prove(settings):
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"nothing to prove.*AWS_STORAGE_BUCKET_NAME"):
        call_command("check_storage", stdout=out)

    assert "ProtectedFileStorage" in out.getvalue()
    assert "signed, good for 600 s" in out.getvalue()


def test_a_laptop_shows_its_folders(settings):
    out = io.StringIO()

    call_command("check_storage", "--show", stdout=out)

    assert str(settings.MEDIA_ROOT / "protected") in out.getvalue()


# --- Checks without a request ---------------------------------------------------------


def test_a_cdn_before_protected_files_is_a_warning(s3_environment, settings):
    with_cdn = s3_environment | {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.org"}
    apart = with_cdn | {"PROTECTED_BUCKET_NAME": "portal-protected"}

    def warned(environment):
        settings.STORAGES = settings_for(environment)["STORAGES"]
        return [found.id for found in checks.cdns_are_no_way_around(None)]

    assert warned(with_cdn) == ["portal.W004"]
    assert warned(apart) == []
    assert warned(s3_environment) == []


def test_an_endpoint_without_tls_is_a_warning_outside_development(settings):
    settings.AWS_S3_ENDPOINT_URL = "http://s3.example.org"
    assert checks.files_travel_over_tls(None) == []

    settings.SITE_ENVIRONMENT = "production"

    assert [found.id for found in checks.files_travel_over_tls(None)] == ["portal.W005"]
    settings.AWS_S3_ENDPOINT_URL = "https://s3.example.org"
    assert checks.files_travel_over_tls(None) == []


def test_a_laptop_passes_the_checks(settings):
    assert checks.policies_have_prefixes(None) == []
    assert checks.cdns_are_no_way_around(None) == []
