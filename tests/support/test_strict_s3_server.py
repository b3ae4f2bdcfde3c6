"""The strict S3 server's functions for tests: records, faults to come, a reset."""

import http.client
import signal
import subprocess
import sys
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.strict_s3 import StrictS3, main
from tests.support.strict_s3_calls import (
    BUCKET,
    CONTENT,
    CREDENTIALS,
    RESUME,
    client_of,
    create_bucket,
    fetch,
    object_url,
    refused,
)


def test_records_what_it_was_asked(server, owner):
    owner.get_object(Bucket=BUCKET, Key=RESUME)
    fetch(server, object_url(server, "a%20b?x=1"), "PUT", {"X-Note": "n"}, b"x")

    first, second = server.requests

    assert (first.method, first.bucket, first.key) == ("GET", BUCKET, RESUME)
    assert (first.status, first.access_key) == (200, "owner")
    assert (second.method, second.key, second.query) == ("PUT", "a b", {"x": "1"})
    assert (second.status, second.access_key, second.headers["x-note"]) == (403, None, "n")


def test_forgets_on_request(server, owner):
    owner.get_object(Bucket=BUCKET, Key=RESUME)

    server.clear()

    assert server.requests == []


def test_tells_the_time_in_whole_seconds(server):
    before = server.clock()

    server.advance(1.5)

    assert before.microsecond == server.clock().microsecond == 0
    assert 1 <= (server.clock() - before).total_seconds() <= 3


def test_fails_when_told_to(server, owner):
    at = {"Bucket": BUCKET, "Key": RESUME}
    server.fail_next(times=2, matching=lambda request: request.method == "GET")

    assert owner.head_object(**at)["ContentLength"] == len(CONTENT)
    assert refused(owner.get_object, **at) == "SlowDown"
    assert refused(owner.get_object, **at) == "SlowDown"
    assert owner.get_object(**at)["Body"].read() == CONTENT
    assert [request.status for request in server.requests] == [200, 503, 503, 200]


def test_keeps_servers_apart(server, owner):
    with StrictS3(CREDENTIALS) as other:
        other_owner = client_of(other, "owner", "owner-secret")

        assert other_owner.list_buckets()["Buckets"] == []
        assert refused(other_owner.get_object, Bucket=BUCKET, Key=RESUME) == "NoSuchBucket"
        assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT
    assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT


def test_wipes_itself_clean(server, owner):
    server.advance(10_000)

    server.wipe()

    assert owner.list_buckets()["Buckets"] == []
    create_bucket(owner, BUCKET)
    assert owner.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.whole
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_starts_from_the_command_line_and_stops_when_told(number):
    command = [sys.executable, "-m", "tests.support.strict_s3", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--access-key", "owner", "--secret-key", "owner-secret"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        endpoint_url = process.stdout.readline().split()[-1]
        connection = http.client.HTTPConnection(urlsplit(endpoint_url).netloc, timeout=5)
        connection.request("GET", "/")
        status = connection.getresponse().status
        connection.close()
        process.send_signal(number)
        output, errors = process.communicate(timeout=5)

    assert status == 403
    assert (process.returncode, output, errors) == (0, "", "")


def test_says_on_the_command_line_that_it_keeps_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["strict_s3", "--help"])

    with pytest.raises(SystemExit):
        main()

    assert "kept in memory" in " ".join(capsys.readouterr().out.split())


def test_refuses_content_that_is_not_what_its_md5_was_made_of(server, owner):
    promised = {"Bucket": BUCKET, "Key": "a"}
    promised["ContentMD5"] = b64encode(md5(b"as promised").digest()).decode()

    assert refused(owner.put_object, Body=b"something", **promised) == "BadDigest"
    owner.put_object(Body=b"as promised", **promised)
