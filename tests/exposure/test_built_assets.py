"""check_storage: the assets that pages link to are in their bucket, unchanged."""

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command

from portal.exposure.built_assets import STYLESHEET
from tests.conftest import BUCKET, s3_client, settings_for

from .runs import check, failed, only


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

    assert f"{{% static '{STYLESHEET}' %}}" in base


def test_an_asset_that_is_missing_is_red(built):
    hashed = storages["staticfiles"].stored_name("portal.css")
    s3_client(built).delete_object(Bucket=BUCKET, Key=f"assets/{hashed}")

    red = only(failed())

    assert red.statement.startswith(hashed)
    assert red.hint.startswith("Run collectstatic again")


@pytest.mark.parametrize(
    ("body", "caching", "observed"),
    [
        (None, "no-cache", "cache-control: no-cache"),
        (b"other bytes", "public, max-age=31536000, immutable", "answered 200"),
    ],
)
def test_an_asset_that_is_another_is_red(built, settings, body, caching, observed):
    hashed = storages["staticfiles"].stored_name("dot.svg")
    s3_client(built).put_object(
        Bucket=BUCKET,
        Key=f"assets/{hashed}",
        Body=body or (settings.STATIC_ROOT / hashed).read_bytes(),
        ContentType="image/svg+xml",
        CacheControl=caching,
    )

    assert only(failed()).observed == observed


def test_a_build_that_was_never_uploaded_is_worth_a_word(built, settings):
    (settings.STATIC_ROOT / "uploaded.json").unlink()
    settings.STORAGES = settings.STORAGES | {}

    found, ending = check()

    assert ending is None
    assert [each.hint for each in found if each.statement.startswith("pages link to")] == [
        "Run collectstatic with these settings (on Heroku: push a commit)."
    ]


def test_a_gateway_that_drops_the_encoding_of_an_asset_is_told_by_its_header(built):
    """As JuiceFS does: the browser would be given compressed bytes as a style sheet."""
    hashed = storages["staticfiles"].stored_name("portal.css")
    client, key = s3_client(built), f"assets/{hashed}"
    stored = client.get_object(Bucket=BUCKET, Key=key)
    assert stored["ContentEncoding"] == "gzip"
    client.put_object(
        Bucket=BUCKET, Key=key, Body=stored["Body"].read(), ContentType=stored["ContentType"],
        CacheControl=stored["CacheControl"],
    )  # fmt: skip

    red = only(failed())

    assert red.observed == "it is compressed, and comes without the header Content-Encoding"
    assert "passes on Content-Encoding" in red.hint
