import pytest

from portal.buckets import documents
from tests.conftest import settings_for, use_settings
from tests.support.strict_s3 import StrictS3

from .lending import KEYS, LAYOUTS, NAMES, REGION, connection, lend, printed
from .runs import setup_bucket, use


@pytest.fixture
def configured(s3, s3_environment, on_disk, settings, monkeypatch):
    """The site on S3, before anybody has made its bucket."""
    use(settings, monkeypatch, s3_environment)
    return s3


@pytest.fixture
def as_on_aws(configured, monkeypatch):
    """The same, where TLS ends at the server itself and it has keys to encrypt with."""
    monkeypatch.setattr(documents, "is_aws", lambda storage: True)
    return configured


@pytest.fixture
def site(on_disk, settings, monkeypatch):
    """Return a function that configures the site by an environment."""

    def become(environment):
        values = settings_for(environment)
        values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
        use_settings(settings, monkeypatch, {name: values[name] for name in NAMES})

    return become


@pytest.fixture(scope="module")
def running():
    with StrictS3(KEYS, region=REGION) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    """An S3 server in the role of AWS, whose keys may do anything until a test limits them."""
    monkeypatch.setattr(documents, "is_aws", lambda storage: True)
    yield running
    running.identities.clear()
    running.wipe()


@pytest.fixture
def at(server):
    """The variables that lead to the server instead of AWS."""
    return {
        "AWS_S3_ENDPOINT_URL": server.endpoint_url,
        "LIVE_S3_ENDPOINT_URL": server.endpoint_url,
    }


@pytest.fixture
def environment(request, at):
    here = {"AWS_S3_ENDPOINT_URL": at["AWS_S3_ENDPOINT_URL"]}
    return connection("society") | here | LAYOUTS[getattr(request, "param", "one bucket")]


@pytest.fixture
def ready(server, site, environment):
    """The site in buckets that are set up, with keys that may do what their policies say."""
    site(environment)
    setup_bucket()
    lend(server, printed())
    server.clear()
    return server
