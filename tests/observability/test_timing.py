"""The waits of a request are counted, whether its calls succeed or fail."""

import re
import threading

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import DatabaseError
from django.db.utils import ConnectionHandler
from django.urls import reverse

from portal.observability import timing
from portal.s3.client import shared_resource
from tests.conftest import BUCKET
from tests.support import samples

SLOW_DOWN = {"status": 503, "code": "SlowDown"}


def upload(client):
    resume = ContentFile(samples.pdf(), name="cv.pdf")
    return client.post(
        reverse("edit-me"), {"name": "Ada", "visibility": "members", "resume": resume}
    )


def test_each_call_to_s3_is_counted(log, client, on_s3, member):
    client.force_login(member)
    on_s3.clear()

    assert upload(client).status_code == 302

    [line] = log.requests
    # For the PDF and for its picture: is the name free, and the file.
    assert line["s3_calls"] == len(on_s3.requests) == 4
    assert 0 < line["s3_ms"] < line["ms"]


def test_signing_a_link_is_no_call(log, client, on_s3, member, owner):
    client.force_login(member)

    assert client.get(reverse("resume", args=[owner.profile.pk])).status_code == 302

    assert (log.requests[-1]["s3_calls"], log.requests[-1]["s3_ms"]) == (0, 0.0)


def test_a_call_that_is_tried_again_is_one_call(on_s3):
    """F2: its second attempt, and the pause before it, belong to it."""
    on_s3.fail_next(**SLOW_DOWN)

    with timing.measured() as timed:
        storages["default"].exists("avatars/x.webp")

    assert len(on_s3.requests) == 2
    assert timed.s3.count == 1
    assert 0 < timed.s3.seconds < timed.seconds


@pytest.mark.parametrize("fault", [SLOW_DOWN, {"status": 403, "code": "AccessDenied"}])
def test_a_call_that_fails_is_counted(log, client, on_s3, member, fault):
    """F2, F3."""
    client.force_login(member)
    on_s3.fail_next(**fault, times=9, matching=lambda request: request.method == "PUT")

    assert upload(client).status_code == 503

    [line] = log.requests
    assert (line["status"], line["s3_calls"]) == (503, 2)
    [error] = log.others
    assert error["logger"] == "profiles.uploads.forms"
    assert error["request_id"] == line["request_id"]


def client_of(endpoint_url):
    return shared_resource(
        access_key="AKIAPORTAL",
        secret_key="portal-secret",
        region="eu-west-1",
        endpoint_url=endpoint_url,
        style="path",
        attempts=1,
    ).meta.client


def test_a_call_that_nobody_answers_is_counted():
    client = client_of("http://127.0.0.1:1")

    with timing.measured() as timed, pytest.raises(EndpointConnectionError):
        client.head_bucket(Bucket=BUCKET)

    assert timed.s3.count == 1
    assert timed.s3.seconds > 0


def test_a_call_outside_of_requests_is_nobodys(on_s3):
    with timing.measured() as timed:
        pass

    client_of(on_s3.endpoint_url).head_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError):
        client_of(on_s3.endpoint_url).head_bucket(Bucket="another")

    assert timed.s3.count == 0


def test_requests_at_once_have_their_own_calls(on_s3):
    begun, done, counts = threading.Barrier(2), threading.Barrier(2), {}

    def answer(calls):
        with timing.measured() as timed:
            begun.wait(10)
            for _ in range(calls):
                client_of(on_s3.endpoint_url).head_bucket(Bucket=BUCKET)
            done.wait(10)
        counts[calls] = timed.s3.count

    threads = [threading.Thread(target=answer, args=(calls,)) for calls in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts == {1: 1, 2: 2}


def test_queries_of_every_connection_are_counted(monkeypatch, django_db_blocker, tmp_path):
    """Failing ones, too."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3"}  # in files: Django closes none in memory
    connections = ConnectionHandler(
        {alias: sqlite | {"NAME": tmp_path / alias} for alias in ("default", "other")}
    )
    monkeypatch.setattr(timing, "connections", connections)

    with django_db_blocker.unblock(), timing.measured() as timed:
        for alias in connections:
            connections[alias].cursor().execute("SELECT 1")
        with pytest.raises(DatabaseError):
            connections["other"].cursor().execute("SELECT nothing")
    for connection in connections.all():
        assert connection.execute_wrappers == []
        connection.close()

    assert timed.database.count == 3
    assert 0 < timed.database.seconds < timed.seconds


def test_a_developer_sees_it_in_the_browser(client, settings, db):
    settings.DEBUG = True

    header = client.get("/members/")["Server-Timing"]

    assert re.fullmatch(
        r"total;dur=[\d.]+, "
        r'db;dur=[\d.]+;desc="1 queries", '
        r's3;dur=0\.0;desc="0 calls"',
        header,
    )


def test_anonymous_visitors_do_not(client, settings):
    settings.DEBUG = False

    assert "Server-Timing" not in client.get("/healthz")
