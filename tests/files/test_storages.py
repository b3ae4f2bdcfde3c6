"""The storages: one client, time limits, no secrets in migrations."""

import subprocess
import sys
import threading
from pathlib import Path

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from portal.files import storages as policies
from portal.s3.client import client_config
from portal.s3.errors import StorageError, describe
from profiles.models import Profile
from tests.support import samples
from tests.support.deployed import ENVIRONMENT as DEPLOYED

ROOT = Path(__file__).parents[2]


def test_a_request_gives_up_sooner_than_collectstatic(on_s3):
    """A page has the 30 seconds of a router; a build that fails for one asset is made again."""

    def attempts(alias):
        return storages[alias].connection.meta.client.meta.config.retries["total_max_attempts"]

    assert (attempts("default"), attempts("protected")) == (2, 2)
    assert attempts("assets") == 5


def test_all_threads_and_policies_share_one_client(on_s3, settings):
    clients = []

    def work():
        for alias in ("default", "protected"):
            storage = storages.create_storage(settings.STORAGES[alias])
            clients.append(storage.connection.meta.client)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(clients) == 16
    assert all(client is clients[0] for client in clients)


def test_signing_builds_no_client_and_makes_no_request(on_s3, monkeypatch):
    monkeypatch.setattr(
        policies, "shared_resource", lambda **_: pytest.fail("a client was asked for")
    )

    link = storages["protected"].url("resumes/x.pdf", filename="x.pdf")

    assert "X-Amz-Signature=" in link
    assert on_s3.requests == []


def test_a_signed_link_equals_botocores_own(on_s3):
    """Control: the signer alone makes what a whole client would have made."""
    storage = storages["protected"]
    client = boto3.client(
        "s3",
        aws_access_key_id=storage.access_key,
        aws_secret_access_key=storage.secret_key,
        region_name=storage.region_name,
        endpoint_url=storage.endpoint_url,
        config=client_config("path"),
    )
    parameters = {
        "Bucket": storage.bucket_name,
        "Key": "protected/a b+ü.pdf",
        "ResponseContentType": "application/pdf",
        "ResponseContentDisposition": policies.attachment("ü.pdf"),
        "ResponseCacheControl": "private, no-store",
    }

    theirs = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=600)
    ours = storage.url("a b+ü.pdf", filename="ü.pdf")

    assert ours.partition("?")[0] == theirs.partition("?")[0]
    assert sorted(without_time(ours)) == sorted(without_time(theirs))


def without_time(link):
    return [
        part
        for part in link.partition("?")[2].split("&")
        if not part.startswith(("X-Amz-Date", "X-Amz-Signature"))
    ]


def test_a_large_resume_is_one_request(on_s3):
    """A multipart upload that is cut off leaves parts behind, which nobody sees."""
    storages["protected"].save("resumes/x.pdf", ContentFile(b"x" * 10_000_000))

    assert [request.method for request in on_s3.requests] == ["HEAD", "PUT"]


@pytest.mark.parametrize(
    ("method", "action", "use"),
    [
        ("PUT", "store", lambda storage: storage.save("resumes/x.pdf", ContentFile(b"x"))),
        ("HEAD", "open", lambda storage: storage.open("resumes/x.pdf")),
        ("DELETE", "delete", lambda storage: storage.delete("resumes/x.pdf")),
        ("HEAD", "look for", lambda storage: storage.exists("resumes/x.pdf")),
    ],
    ids=["save", "open", "delete", "exists"],
)
def test_what_s3_refuses_is_a_storage_error(on_s3, method, action, use):
    on_s3.fail_next(403, "AccessDenied", times=9, matching=lambda request: request.method == method)

    with pytest.raises(StorageError, match=rf"Could not {action} resumes/x\.pdf"):
        use(storages["protected"])


@pytest.mark.parametrize("alias", ["default", "protected"])
def test_no_file_takes_the_place_of_another(on_s3, alias):
    names = {storages[alias].save("x.pdf", ContentFile(content)) for content in (b"1", b"2")}

    assert len(names) == 2


def test_what_has_a_file_of_any_name_is_not_asked_for_a_free_one_without_end(on_s3, monkeypatch):
    """A page of a proxy, which answers 200 to every HEAD, is not S3."""
    storage, asked = storages["protected"], []
    monkeypatch.setattr(type(storage), "exists", lambda self, name: not asked.append(name))

    with pytest.raises(StorageError, match="there seems to be a file of any name") as raised:
        storage.save("resumes/x.pdf", ContentFile(b"x"))

    assert raised.value.storage is storage
    assert describe(raised.value) == str(raised.value)
    assert len(asked) == 2
    assert on_s3.requests == []


def test_what_redirects_each_request_is_told_as_such(on_s3):
    """An endpoint that leads from http to https: botocore follows it until Python's stack ends."""
    on_s3.fail_next(301, "Moved", times=1000)
    storage = storages["protected"]

    with pytest.raises(StorageError, match="what answers there redirects each request") as raised:
        storage.exists("resumes/x.pdf")

    assert raised.value.storage is storage
    assert raised.value.__cause__ is None


def test_a_missing_file_is_a_missing_file(on_s3):
    with pytest.raises(FileNotFoundError):
        storages["protected"].open("resumes/missing.pdf")
    assert storages["protected"].exists("resumes/missing.pdf") is False


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_s3_refuses_is_a_page_in_plain_words(on_s3, client, member):
    client.force_login(member)
    on_s3.fail_next(status=403, code="AccessDenied", times=9)

    response = client.post(
        "/me/edit/",
        {
            "name": "Ada",
            "visibility": "members",
            "resume": ContentFile(samples.pdf(), name="cv.pdf"),
        },
    )

    assert response.status_code == 503
    assert not Profile.objects.get(user=member).resume


@pytest.mark.parametrize("name", ["exists", "delete", "size", "url", "open"])
def test_a_storage_that_is_not_configured_refuses_everything(name):
    with pytest.raises(ImproperlyConfigured, match="AWS_STORAGE_BUCKET_NAME"):
        getattr(policies.UnconfiguredStorage(), name)("x")


def test_no_migration_holds_where_files_are():
    """FileField(storage=...) would write every option, the secret key too, into the migration."""
    for migration in (ROOT / "profiles/migrations").glob("0*.py"):
        text = migration.read_text()
        assert not [word for word in ("secret", "bucket", "access_key") if word in text]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.deployed", sys.executable, "manage.py",
         "makemigrations", "--check", "--dry-run"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No changes detected" in done.stdout, DEPLOYED
