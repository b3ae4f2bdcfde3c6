"""Commands where S3 is silent or refuses: they name the variable to correct, with no traceback."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.files import sweeping
from portal.files.storages import AssetsStorage
from portal.s3 import client as s3_client
from profiles.models import User
from tests.conftest import S3_KEYS, settings_for, use_settings
from tests.settings import without_site_variables
from tests.support.dyno import free_port
from tests.support.line import Line

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "setup_bucket": [],
    "collectstatic": ["--no-input"],
    "seed_demo": [],
    "sweep_media": [],
}
# Two in make test, and the others, which store many files, in make whole.
each_command = pytest.mark.parametrize(
    "command",
    [
        "setup_bucket",
        "sweep_media",
        pytest.param("collectstatic", marks=pytest.mark.whole),
        pytest.param("seed_demo", marks=pytest.mark.whole),
    ],
)
pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def site(s3_environment, on_disk, settings, monkeypatch, tmp_path):
    """Configure the site's files with some variables changed; few attempts are made."""
    monkeypatch.setattr(sweeping, "COMMAND_ATTEMPTS", 2)
    monkeypatch.setattr(AssetsStorage, "attempts", 2)
    s3_client._first_resource.cache_clear()

    def configure(**changes):
        values = settings_for(s3_environment | changes)
        names = ("AWS_AVAILABLE", "STORAGES", "MEDIA_URL", "S3_VARIABLES")
        use_settings(settings, monkeypatch, {name: values[name] for name in names})

    yield configure
    settings.AWS_AVAILABLE = False
    s3_client._first_resource.cache_clear()


def failure(command) -> str:
    with pytest.raises(CommandError) as caught:
        call_command(command, *COMMANDS[command], stdout=io.StringIO(), stderr=io.StringIO())
    assert caught.value.returncode == 1
    assert S3_KEYS["AKIAPORTAL"] not in str(caught.value)
    return str(caught.value)


@each_command
def test_an_endpoint_where_nothing_listens_is_named(site, command):
    site(AWS_S3_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")

    assert "Correct AWS_S3_ENDPOINT_URL" in failure(command)
    assert not User.objects.exists()


@pytest.mark.whole
@each_command
def test_an_endpoint_that_never_answers_is_named(site, s3_server, command, monkeypatch):
    monkeypatch.setattr(s3_client, "READ_TIMEOUT_SECONDS", 1)

    with Line((s3_server.host, s3_server.port)) as line:
        line.up()
        site(AWS_S3_ENDPOINT_URL=f"http://127.0.0.1:{line.port}")

        with line.frozen():
            assert "Correct AWS_S3_ENDPOINT_URL" in failure(command)


@each_command
def test_an_endpoint_that_is_no_s3_is_named(site, live_server, command):
    """The site itself, for one: it answers 404 in HTML, or refuses a POST without a token."""
    site(AWS_S3_ENDPOINT_URL=live_server.url)

    assert "AWS_S3_ENDPOINT_URL" in failure(command)


@each_command
def test_a_wrong_secret_is_named(site, s3, command):
    site()
    call_command("setup_bucket", stdout=io.StringIO())
    site(AWS_SECRET_ACCESS_KEY="wrong-one")

    assert "Set AWS_SECRET_ACCESS_KEY" in failure(command)


@each_command
def test_a_key_that_is_not_known_is_named(site, s3, command):
    site()
    call_command("setup_bucket", stdout=io.StringIO())
    site(AWS_ACCESS_KEY_ID="AKIANOBODY")

    assert "Set AWS_ACCESS_KEY_ID" in failure(command)


@pytest.mark.parametrize("command", ["collectstatic", "seed_demo", "sweep_media"])
def test_a_bucket_that_is_not_there_is_named(site, s3, command):
    site()

    message = failure(command)

    assert "setup_bucket" in message
    assert "AWS_STORAGE_BUCKET_NAME" in message


@each_command
def test_a_wrong_region_is_named(site, s3, command):
    site()
    call_command("setup_bucket", stdout=io.StringIO())
    site(AWS_S3_REGION_NAME="us-east-1")

    assert "AWS_S3_REGION_NAME" in failure(command)


@pytest.mark.whole
def test_a_bucket_of_its_own_is_named_as_such(site, s3):
    site()
    call_command("setup_bucket", stdout=io.StringIO())
    site(ASSETS_BUCKET_NAME="portal-assets")

    assert "ASSETS_BUCKET_NAME" in failure("collectstatic")


@each_command
def test_all_is_well_where_s3_answers(site, s3, command):
    """The control."""
    site()
    call_command("setup_bucket", stdout=io.StringIO())

    call_command(command, *COMMANDS[command], stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.whole
def test_the_operator_reads_a_sentence(s3_environment, tmp_path):
    """As a build on a host runs it."""
    others = without_site_variables()
    environment = (
        others
        | s3_environment
        | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
            "STATIC_ROOT": str(tmp_path / "static"),
        }
    )

    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Correct AWS_S3_ENDPOINT_URL" in done.stderr
    assert "Traceback" not in done.stderr
