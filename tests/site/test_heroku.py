"""app.json and the Procfile, compared with the variables that the site reads."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import StorageHandler
from django.core.management import get_commands

from tests.conftest import settings_for
from tests.settings import SITE_VARIABLES
from tests.support.deployed import ENVIRONMENT as DEPLOYED
from tests.support.dyno import procfile

ROOT = Path(__file__).parents[2]
APP = json.loads((ROOT / "app.json").read_text())
REVIEW = APP["environments"]["review"]
ENVIRONMENTS = {"app": APP, "review": REVIEW}
# Of the keys that Heroku's article "app.json Schema" lists, those that the site has a use for.
KEYS = {
    "app": {
        "name": str, "description": str, "keywords": list, "success_url": str, "stack": str,
        "buildpacks": list, "formation": dict, "addons": list, "env": dict, "environments": dict,
    },
    "review": {"addons": list, "env": dict, "scripts": dict},
}  # fmt: skip
BUCKETEER = {
    "BUCKETEER_BUCKET_NAME": "bucketeer-1234",
    "BUCKETEER_AWS_ACCESS_KEY_ID": "AKIABUCKETEER",
    "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
    "BUCKETEER_AWS_REGION": "eu-west-1",
}
S3_DEPLOYED = {name: value for name, value in DEPLOYED.items() if name.startswith("AWS_")}

each_environment = pytest.mark.parametrize("name", ENVIRONMENTS)


def settings_of(name: str, files: dict[str, str], app: str = "society-pr-7") -> dict:
    """The settings of an app with what app.json states, Heroku sets, and the files' place."""
    env = ENVIRONMENTS[name]["env"].items()
    config = {variable: entry.get("value", "generated " * 5) for variable, entry in env}
    heroku = {"DATABASE_URL": DEPLOYED["DATABASE_URL"], "HEROKU_APP_NAME": app, "DYNO": "web.1"}
    return settings_for(config | heroku | files)


@each_environment
def test_app_json_has_only_keys_that_heroku_knows(name):
    for key, value in ENVIRONMENTS[name].items():
        assert isinstance(value, KEYS[name][key])


@each_environment
def test_nothing_is_asked_for(name):
    """A button deploy needs no input: each variable has a value or is generated."""
    for variable, entry in ENVIRONMENTS[name]["env"].items():
        assert entry.keys() - {"description"} in ({"value"}, {"generator"}), variable
        assert isinstance(entry.get("value", ""), str), variable
        assert entry.get("generator", "secret") == "secret", variable


@each_environment
def test_each_variable_is_one_that_the_site_reads(name):
    assert ENVIRONMENTS[name]["env"].keys() <= set(SITE_VARIABLES)


def test_a_review_app_lacks_none_of_the_buttons_variables():
    """Heroku takes an environment's own `env` in place of the common one, not beside it."""
    assert APP["env"].keys() < REVIEW["env"].keys()


@each_environment
def test_a_database_and_a_bucket_come_along(name):
    services = {addon.partition(":")[0] for addon in ENVIRONMENTS[name]["addons"]}

    assert services == {"heroku-postgresql", "bucketeer"}


@each_environment
def test_the_site_starts_with_what_app_json_and_the_add_ons_set(name):
    values = settings_of(name, BUCKETEER)

    assert values["SITE_ENVIRONMENT"] == {"app": "production", "review": "staging"}[name]
    assert values["ALLOWED_HOSTS"] == [".herokuapp.com"]
    assert values["AWS_AVAILABLE"] is True


def test_review_apps_are_seeded_and_no_other():
    """A script of the button's would put invented people, one a superuser, into production."""
    assert "scripts" not in APP
    assert "seed_demo --allow-outside-development" in REVIEW["scripts"]["postdeploy"]


def test_app_json_names_commands_that_exist():
    lines = [*procfile(ROOT).values(), *REVIEW["scripts"].values()]
    named = {command for line in lines for command in re.findall(r"manage\.py (\w+)", line)}

    assert {"check", "seed_demo"} <= named <= get_commands().keys()


def test_a_release_checks_then_migrates_and_stops_at_the_first_failure():
    steps = procfile(ROOT)["release"].split(" && ")

    assert [re.match(r"python manage\.py (\w+)", step)[1] for step in steps] == [
        "check",
        "migrate",
        "createcachetable",
        "mark_database",
    ]


def test_the_formation_is_the_procfiles():
    """One dyno is enough: the web line delivers e-mail, too, and the worker line is for choice."""
    assert procfile(ROOT).keys() == {"release", "web", "worker"}
    assert APP["formation"].keys() == {"web"}


@pytest.mark.parametrize(
    ("files", "public", "protected"),
    [
        (BUCKETEER, "public/media/society-pr-7", "protected/society-pr-7"),
        (S3_DEPLOYED, "media/society-pr-7", "protected/society-pr-7"),
        (S3_DEPLOYED | {"MEDIA_PREFIX": "m"}, "m/society-pr-7", "protected/society-pr-7"),
    ],
)
def test_a_review_app_has_a_folder_below_each_prefix(files, public, protected):
    values = settings_of("review", files)

    assert values["S3_VARIABLES"]["MEDIA_PREFIX"] == public
    assert values["S3_VARIABLES"]["PROTECTED_PREFIX"] == protected
    assert values["S3_VARIABLES"]["ASSETS_PREFIX"].endswith("assets/society-pr-7")


def test_review_apps_that_share_a_bucket_keep_out_of_each_others_files(on_s3, s3_environment):
    """And what setup_bucket has opened, and not opened, for the bucket holds for theirs."""
    apps = [
        StorageHandler(settings_of("review", s3_environment, app)["STORAGES"])
        for app in ("society-pr-7", "society-pr-8")
    ]

    for number, app in enumerate(apps):
        for alias in ("default", "protected", "assets"):
            name = app[alias].save("same/name.txt", ContentFile(b"of %d" % number))
            assert name == "same/name.txt"

    for number, app in enumerate(apps):
        assert anonymous_read(app["default"].url("same/name.txt")) == b"of %d" % number
        assert anonymous_read(app["assets"].url("same/name.txt")) == b"of %d" % number
        link = app["protected"].url("same/name.txt")
        assert anonymous_read(link) == b"of %d" % number
        assert anonymous_read(link.partition("?")[0]) == 403


def anonymous_read(link: str) -> bytes | int:
    try:
        with urllib.request.urlopen(link) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_lives_files_are_looked_for_where_live_keeps_them():
    """A review app's folder is its own, and not the live site's."""
    values = settings_of("review", S3_DEPLOYED)

    assert values["S3_VARIABLES"]["LIVE_MEDIA_PREFIX"] == "media"
    assert values["S3_VARIABLES"]["LIVE_PROTECTED_PREFIX"] == "protected"


@pytest.mark.parametrize(
    ("folder", "complaint"),
    [
        ("${NOT_SET_ANYWHERE}", "FILES_FOLDER refers to a variable that is not set"),
        ("a/$NOT_SET_ANYWHERE", "FILES_FOLDER refers to a variable that is not set"),
        ("../x", "FILES_FOLDER must be words"),
        ("/", "FILES_FOLDER must be words"),
        ("ä", "FILES_FOLDER must be words"),
    ],
)
def test_a_folder_that_could_be_somebody_elses_is_refused(folder, complaint):
    with pytest.raises(ImproperlyConfigured, match=complaint):
        settings_for(DEPLOYED | {"FILES_FOLDER": folder})


@pytest.mark.parametrize("folder", ["", " "])
def test_without_a_folder_the_prefixes_are_plain(folder):
    values = settings_for(DEPLOYED | {"FILES_FOLDER": folder})

    assert values["S3_VARIABLES"]["MEDIA_PREFIX"] == "media"
