"""The system checks about files: what keeps a site from being released, and what is warned of."""

from copy import deepcopy

import pytest
from django.core.checks import run_checks
from django.core.files.storage import storages
from storages.backends.s3 import S3Storage

from portal.files import checks
from profiles.models import Profile
from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT as DEPLOYED


def test_the_checks_pass_on_a_laptop():
    for check in (checks.uploads_have_a_storage, checks.protected_links_are_signed):
        assert check(None) == []


def test_uploads_without_a_home_are_an_error(settings):
    settings.SITE_ENVIRONMENT = "production"

    [error] = checks.uploads_have_a_storage(None)

    assert error.id == "portal.E001"
    assert "AWS_STORAGE_BUCKET_NAME" in error.hint


def test_a_project_without_variables_is_asked_for_a_storage(settings):
    """Y13."""
    settings.SITE_ENVIRONMENT = "production"
    del settings.S3_REQUIRED
    del settings.S3_VARIABLES

    [error] = checks.uploads_have_a_storage(None)

    assert error.hint == "Set an S3Storage in STORAGES."


def test_a_custom_domain_on_protected_files_is_an_error(settings):
    values = settings_for(DEPLOYED)["STORAGES"]
    values["protected"]["OPTIONS"]["custom_domain"] = "cdn.example.org"
    settings.STORAGES = values

    [error] = checks.protected_links_are_signed(None)

    assert error.id == "portal.E002"
    assert "cdn.example.org" not in storages["protected"].url("x.pdf")


def test_a_cdn_before_protected_files_is_a_warning(s3_environment, settings):
    with_cdn = s3_environment | {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.org"}
    apart = with_cdn | {"PROTECTED_BUCKET_NAME": "portal-protected"}

    def warned(environment):
        settings.STORAGES = settings_for(environment)["STORAGES"]
        return [found.id for found in checks.cdns_serve_no_protected_files(None)]

    assert warned(with_cdn) == ["portal.W004"]
    assert warned(apart) == []
    assert warned(s3_environment) == []


def test_an_endpoint_without_tls_is_a_warning_outside_development(settings):
    settings.AWS_S3_ENDPOINT_URL = "http://s3.example.org"
    assert checks.files_travel_over_tls(None) == []

    settings.SITE_ENVIRONMENT = "production"
    options = {"bucket_name": "society", "endpoint_url": "http://s3.example.org"}
    stock = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"papers": stock}

    assert [found.id for found in checks.files_travel_over_tls(None)] == ["portal.W005"]
    del settings.STORAGES["papers"]
    settings.AWS_S3_ENDPOINT_URL = "https://s3.example.org"
    assert checks.files_travel_over_tls(None) == []


def test_an_endpoint_that_is_an_option_is_warned_of_alike(settings):
    """Y13: a project may name it in STORAGES alone."""
    options = {"bucket_name": "society", "location": "papers"}
    settings.SITE_ENVIRONMENT = "production"
    settings.STORAGES = settings.STORAGES | {
        alias: {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": options | {"endpoint_url": endpoint},
        }
        for alias, endpoint in (
            ("papers", "http://s3.example.org"), ("minutes", "https://s3.example.org"),
            ("posters", None),
        )
    }  # fmt: skip

    [warning] = checks.files_travel_over_tls(None)

    assert warning.msg.startswith('endpoint_url of STORAGES["papers"] starts with http://')


def test_a_laptop_passes_the_checks(settings):
    assert checks.policies_have_prefixes(None) == []
    assert checks.cdns_serve_no_protected_files(None) == []


@pytest.fixture
def deployed(settings):
    """The storages of a deployed site, with some options of some of them changed."""

    def make(**changes):
        made = deepcopy(settings_for(DEPLOYED)["STORAGES"])
        for alias, options in changes.items():
            made.setdefault(alias, deepcopy(made["protected"]))["OPTIONS"] |= options
        settings.STORAGES = made | {"staticfiles": settings.STORAGES["staticfiles"]}

    return make


def ids() -> list[str]:
    return sorted(found.id for found in run_checks(tags=["files"]))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"location": "minutes"}, []),
        ({"location": "minutes", "custom_domain": "cdn.example.org"}, ["portal.E002"]),
        ({"location": "media/minutes"}, ["portal.E004"]),
        ({"location": "media"}, ["portal.E004"]),
        ({"location": "media-minutes"}, []),
        ({"location": "media", "bucket_name": "minutes"}, []),
    ],
)
def test_a_third_storage_is_checked_under_whatever_alias(deployed, options, found):
    """Y13, C6: a protected storage for which there are no variables in the environment."""
    deployed(minutes=options)

    assert ids() == found


def test_a_storage_without_a_prefix_is_an_error_under_whatever_alias(deployed):
    """Y13: it would hold every other storage's files, the public ones too."""
    deployed(minutes={"location": "", "bucket_name": "minutes"})

    assert ids() == ["portal.E003"]


@pytest.mark.parametrize("silenced", [[], ["portal.E003"]])
def test_protected_files_in_a_whole_bucket_that_is_public_are_an_error(
    deployed, settings, silenced
):
    """Y13, C6: also where somebody has silenced E003."""
    settings.SILENCED_SYSTEM_CHECKS = silenced
    deployed(default={"location": ""})

    found = [found for found in run_checks(tags=["files"]) if not found.is_silenced()]

    messages = {each.id: each.msg for each in found}
    assert messages.keys() == {"portal.E003", "portal.E004"} - {*silenced}
    assert '"protected" keeps protected files where "default" opens' in messages["portal.E004"]


STOCK = "storages.backends.s3.S3Storage"
SIGNED, OPEN = {"BACKEND": STOCK}, {"BACKEND": STOCK, "OPTIONS": {"querystring_auth": False}}


@pytest.mark.parametrize(
    ("stock", "options", "found"),
    [
        (SIGNED, {"location": "minutes"}, []),
        (SIGNED, {"location": "media/minutes"}, ["portal.E004"]),
        (SIGNED, {"location": "minutes", "access_key": None, "secret_key": None},
         ["portal.W007"]),
        (SIGNED, {"location": ""}, ["portal.E004", "portal.E004"]),
        (SIGNED, {"location": "", "bucket_name": "minutes"}, []),
        (OPEN, {"location": "", "bucket_name": "posters"}, ["portal.E003"]),
        (OPEN, {"location": "posters"}, []),
        (OPEN, {"location": "media/posters"}, []),
        (OPEN, {"location": "protected/posters"}, ["portal.E004"]),
        (OPEN, {"location": ""}, ["portal.E003", "portal.E004"]),
        (SIGNED, {"location": "minutes", "custom_domain": "cdn.example.org"}, []),
        (SIGNED, {"location": "", "custom_domain": "cdn.example.org"},
         ["portal.E003", "portal.E004"]),
    ],
)  # fmt: skip
def test_a_stock_storage_is_checked_by_its_links(deployed, settings, stock, options, found):
    """Y13, C6: a project's own class, which is public or protected as its links are."""
    deployed()
    bucket = settings.STORAGES["protected"]["OPTIONS"]
    stock = stock | {"OPTIONS": bucket | stock.get("OPTIONS", {}) | options}
    settings.STORAGES = settings.STORAGES | {"stock": stock}

    assert ids() == found


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        ("cdn.example.org", ["https://cdn.example.org stands before"]),
        ("portal-files.s3.amazonaws.com", []),
        (None, []),
    ],
)
def test_a_cdn_of_a_stock_storage_before_protected_files_is_a_warning(
    deployed, settings, domain, found
):
    """Y13: S3's own host is no CDN."""
    deployed()
    bucket = settings.STORAGES["protected"]["OPTIONS"]
    options = bucket | {"location": "posters", "custom_domain": domain, "querystring_auth": False}
    settings.STORAGES = settings.STORAGES | {"posters": {"BACKEND": STOCK, "OPTIONS": options}}

    warned = checks.cdns_serve_no_protected_files(None)

    assert [each.msg.partition(" a bucket")[0] for each in warned] == found


def test_a_cdn_before_a_third_protected_storage_is_a_warning(deployed):
    """Y13."""
    deployed(
        default={"bucket_name": "public", "custom_domain": "cdn.example.org"},
        assets={"bucket_name": "public"},
        minutes={"bucket_name": "public", "location": "minutes"},
    )

    [warning] = checks.cdns_serve_no_protected_files(None)

    assert "https://cdn.example.org stands before" in warning.msg


def test_a_cdn_before_a_protected_stock_storage_is_a_warning(deployed, settings):
    """Y13."""
    deployed(
        default={"bucket_name": "public", "custom_domain": "cdn.example.org"},
        assets={"bucket_name": "public"},
    )
    bucket = settings.STORAGES["default"]["OPTIONS"]
    options = bucket | {"location": "papers", "custom_domain": None}
    settings.STORAGES = settings.STORAGES | {"papers": {"BACKEND": STOCK, "OPTIONS": options}}

    [warning] = checks.cdns_serve_no_protected_files(None)

    assert "https://cdn.example.org stands before" in warning.msg


def test_each_finding_names_the_storage_and_what_to_do(deployed, settings):
    """Y13, C6: what is wrong, and the option or variable that corrects it."""
    deployed(
        default={"custom_domain": "cdn.example.org"},
        minutes={"location": "media/minutes", "custom_domain": "cdn.example.org"},
        nowhere={"location": "", "bucket_name": "society-nowhere"},
    )
    settings.SITE_ENVIRONMENT, settings.AWS_AVAILABLE = "production", False
    settings.AWS_S3_ENDPOINT_URL = "http://s3.example.org"

    found = sorted(run_checks(tags=["files"]), key=lambda each: each.id)
    found += checks.cdns_serve_no_protected_files(None) + checks.files_travel_over_tls(None)

    assert [(each.id, each.msg, each.hint, each.is_serious()) for each in found] == [
        (
            "portal.E001",
            "S3 is not configured, so uploads would have nowhere to go.",
            f"Set {', '.join(settings.S3_REQUIRED)}; .env.example explains them.",
            True,
        ),
        (
            "portal.E002",
            (
                'The storage "minutes" is protected and has a custom domain, which switches signing'
                " off."
            ),
            'Take custom_domain out of STORAGES["minutes"] and set no such option.',
            True,
        ),
        (
            "portal.E003",
            'The storage "nowhere" has no prefix, so that its policy is one for a whole bucket.',
            (
                'Name one as location in the OPTIONS of STORAGES["nowhere"]; or, if nothing else'
                " ever is in that bucket, add portal.E003 to SILENCED_SYSTEM_CHECKS."
            ),
            True,
        ),
        (
            "portal.E004",
            'The storage "minutes" keeps protected files where "default" opens them to everyone.',
            (
                'Change location or bucket_name in the OPTIONS of STORAGES["minutes"], so that'
                " neither prefix lies within the other."
            ),
            True,
        ),
        (
            "portal.W004",
            "https://cdn.example.org stands before a bucket in which protected files are.",
            (
                "Let it serve the public prefixes alone, which check_storage proves, or set"
                " PROTECTED_BUCKET_NAME."
            ),
            False,
        ),
        (
            "portal.W005",
            "AWS_S3_ENDPOINT_URL starts with http://: links can be read, and used, on their way.",
            "Set it to an address that starts with https://.",
            False,
        ),
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"security_token": "t"}, "security_token"),
        ({"proxies": {"https": "http://proxy.example"}, "verify": False}, "proxies and verify"),
        ({"security_token": "", "proxies": {}, "verify": True}, ""),
    ],
)
def test_what_only_boto3_would_heed_is_a_warning(s3_environment, settings, more, words):
    """Y13: a command that left out a proxy or a token would fail in other words, or not at all."""
    options = settings_for(s3_environment)["STORAGES"]["protected"]["OPTIONS"] | more
    settings.STORAGES |= {"minutes": SIGNED | {"OPTIONS": options}}

    found = checks.buckets_have_keys(None)

    named = [(warning.id, warning.msg) for warning in found]
    assert named == ([("portal.W008", f'STORAGES["minutes"] has {words}.')] if words else [])


@pytest.mark.parametrize(
    ("lacked", "words"),
    [
        ({"access_key": None, "secret_key": ""}, "has no access_key and no secret_key."),
        ({"secret_key": None}, "has no secret_key."),
    ],
)
@pytest.mark.parametrize("setting", ["STORAGES", "LIVE_STORAGES"])
def test_a_bucket_without_keys_is_a_warning(s3_environment, settings, setting, lacked, words):
    """Y13: also for a stock class; a storage on disk needs none."""
    values = settings_for(s3_environment)["STORAGES"]
    assert checks.buckets_have_keys(None) == []
    options = values["protected"]["OPTIONS"] | lacked
    values = {name: values[name] for name in ("default", "protected")}
    values |= {"minutes": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}}

    setattr(settings, setting, values)

    [warning] = checks.buckets_have_keys(None)
    assert (warning.id, warning.msg) == ("portal.W007", f'{setting}["minutes"] {words}')


def test_a_field_with_a_bucket_of_its_own_is_a_warning(s3_environment, settings, monkeypatch):
    """setup_bucket and check_storage would not see it; one that has an alias is the control."""
    settings.STORAGES = settings_for(s3_environment)["STORAGES"]
    options = settings.STORAGES["protected"]["OPTIONS"]
    field = Profile._meta.get_field("resume")
    monkeypatch.setattr(field, "storage", S3Storage(**options))
    assert checks.storages_of_fields_have_aliases(None) == []

    monkeypatch.setattr(field, "storage", S3Storage(**options | {"bucket_name": "minutes"}))

    [warning] = checks.storages_of_fields_have_aliases(None)
    assert (warning.id, warning.msg) == (
        "portal.W009",
        "profiles.Profile.resume keeps files in a storage that STORAGES does not name.",
    )


@pytest.mark.parametrize(
    "location", ["prot*", "protecte?", "files/${aws:username}", "files", "a+b"]
)
def test_a_prefix_that_is_a_pattern_is_an_error(s3_environment, settings, location):
    """Opened to everyone, prot* would open what is below protected/."""
    values = settings_for(s3_environment)["STORAGES"]
    options = values["protected"]["OPTIONS"] | {"location": location}
    settings.STORAGES = values | {
        "minutes": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }

    found = [error.id for error in checks.prefixes_are_no_patterns(None)]

    assert found == ([] if location in {"files", "a+b"} else ["portal.E006"])
