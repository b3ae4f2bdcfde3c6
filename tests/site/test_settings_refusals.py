"""The sentence with which each slip in the environment is refused: catalogue C1 to C9."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT as DEPLOYED

WITHOUT_S3 = {name: value for name, value in DEPLOYED.items() if not name.startswith("AWS_")}
HOSTS = (
    "ALLOWED_HOSTS must be the site's own host names, separated by commas, without https://, port,"
    " slash or quotes. An international name is written as xn--..., an IPv6 address in brackets,"
    " all hosts below a domain as .example.org. * and . would let anyone forge links in e-mails."
)
WEAK = "must have at least 32 characters, chosen at random (each key, where there are several)."
ENDPOINT = (
    "AWS_S3_ENDPOINT_URL must be an address that starts with https:// (or http://), such as"
    " https://s3.example.org:9000, without user, password, ? and #."
)
DATABASE = (
    "DATABASE_URL must be the address of a PostgreSQL database: postgres://user:password@host/name."
    " Within user and password, / # ? @ : % [ ] are written as %2F %23 %3F %40 %3A %25 %5B %5D;"
    " after the name, ? may only begin options of PostgreSQL, such as ?sslmode=verify-full."
)
MAIL = (
    "EMAIL_URL must be the address of a mail server: smtp+tls://user:password@host:587 (STARTTLS)"
    " or smtp+ssl://user:password@host:465 (TLS from the start). Within user and password,"
    " / # ? @ : % are written as %2F %23 %3F %40 %3A %25."
)
SENDER = (
    "DEFAULT_FROM_EMAIL must be one address (portal@example.org) or a name and an address (Name"
    ' <portal@example.org>). A name with a comma or a colon stands in "".'
)
KEY_PART = "must be words of letters, digits, . _ - with / between them."
BUCKET = (
    "must be a bucket's name alone: 3 letters, digits, . _ - or more, without s3:// and slashes,"
    " and no IP address."
)
VERSION = "must be at most 200 characters without blanks and / \\."
REFUSALS = [
    (
        {"SITE_ENVIRONMENT": "live"},
        ["SITE_ENVIRONMENT must be development, staging or production."],
    ),
    ({"SITE_NAME": "x" * 81}, ["SITE_NAME must have at most 80 characters."]),
    (
        {"SITE_NAME": "''"},
        ["SITE_NAME stands in quotes, which would be part of it: take them off."],
    ),
    (
        {"SITE_NAME": "a\x7fb"},
        ["SITE_NAME holds a line break or another character that cannot be seen."],
    ),
    ({"DEBUG": "maybe"}, ["DEBUG must be on or off."]),
    (
        {"DEBUG": "on"},
        ["DEBUG must be off outside development: its error pages show settings to anyone."],
    ),
    ({"SECRET_KEY": ""}, ["SECRET_KEY must be set."]),
    ({"SECRET_KEY": "abcde" * 6 + "a"}, [f"SECRET_KEY {WEAK}"]),
    ({"SECRET_KEY": "abcd" * 8}, [f"SECRET_KEY {WEAK}"]),
    (
        {"SECRET_KEY_FALLBACKS": f"{DEPLOYED['SECRET_KEY']}, short"},
        [f"SECRET_KEY_FALLBACKS {WEAK}"],
    ),
    (
        {"SECRET_KEY_FALLBACKS": "insecure-and-public-for-development-only"},
        ["SECRET_KEY and SECRET_KEY_FALLBACKS must not hold development's key: it is public."],
    ),
    ({"ALLOWED_HOSTS": ""}, ["ALLOWED_HOSTS must be set."]),
    ({"ALLOWED_HOSTS": "portal.example.org, *"}, [HOSTS]),
    ({"DATABASE_URL": ""}, ["DATABASE_URL must be set."]),
    (
        {"DATABASE_URL": "sqlite:///db"},
        [DATABASE],
    ),
    ({"DATABASE_URL": "postgres://u:p?w@db.example.org/members"}, [DATABASE]),
    ({"DATABASE_URL": "postgres://u:p@db.example.org/members?sslmod=require"}, [DATABASE]),
    ({"EMAIL_URL": "smtp://"}, [MAIL]),
    ({"DEFAULT_FROM_EMAIL": "portal"}, [SENDER]),
    ({"TIME_ZONE": "London"}, ["TIME_ZONE must be a time zone such as Europe/London."]),
    ({"LOG_FORMAT": "xml"}, ["LOG_FORMAT must be logfmt, json or plain."]),
    (
        {"SENTRY_DSN": "https://sentry.io"},
        ["SENTRY_DSN must be the address that Sentry shows: https://key@host/123"],
    ),
    ({"SENTRY_RELEASE": "x" * 201}, [f"SENTRY_RELEASE {VERSION}"]),
    ({"HEROKU_BUILD_COMMIT": "a/b"}, [f"HEROKU_BUILD_COMMIT {VERSION}"]),
    (
        {"MEDIA_ROOT": "~/var"},
        ["MEDIA_ROOT must be the path of a folder on disk, without ~ and ://."],
    ),
    (
        {"MEDIA_ROOT": "/srv/static/var", "STATIC_ROOT": "/srv/static"},
        ["MEDIA_ROOT must not lie within STATIC_ROOT, of which all files are public."],
    ),
    (
        {"AWS_ACCESS_KEY_ID": "AKIA=X"},
        ["AWS_ACCESS_KEY_ID must be a key without blanks, quotes, / = and commas."],
    ),
    (
        {"AWS_SECRET_ACCESS_KEY": "a b"},
        ["AWS_SECRET_ACCESS_KEY must be a key without blanks, in ASCII."],
    ),
    ({"PROTECTED_BUCKET_NAME": "a/b"}, [f"PROTECTED_BUCKET_NAME {BUCKET}"]),
    (
        {"ASSETS_BUCKET_NAME": "a_bc"},
        [("ASSETS_BUCKET_NAME must be a name that AWS allows: 3 to 63 small letters, digits, . and"
         " -.")],
    ),
    (
        {"AWS_S3_REGION_NAME": "eu west"},
        ["AWS_S3_REGION_NAME must be a region such as eu-west-1: letters, digits, - and _."],
    ),
    (
        {"AWS_S3_REGION_NAME": "nowhere"},
        ["AWS_S3_REGION_NAME must be one of AWS's regions, such as eu-west-1."],
    ),
    ({"AWS_S3_ENDPOINT_URL": "s3.example.org"}, [ENDPOINT]),
    (
        {"AWS_S3_ENDPOINT_URL": "https://portal-files.example.org"},
        ["AWS_S3_ENDPOINT_URL must be the provider's address without the bucket's name in it."],
    ),
    (
        {"AWS_S3_ENDPOINT_URL": "http://10.0.0.1", "AWS_S3_ADDRESSING_STYLE": "virtual"},
        ["AWS_S3_ADDRESSING_STYLE must be path, or unset: an IP address has no subdomains."],
    ),
    (
        {"PROTECTED_BUCKET_NAME": "a.b", "AWS_S3_ADDRESSING_STYLE": "virtual"},
        [("AWS_S3_ADDRESSING_STYLE must be path, or unset, for the bucket of PROTECTED_BUCKET_NAME"
         " has dots, capitals or _ in its name: no certificate is valid for a host of that name.")],
    ),
    ({"AWS_S3_ADDRESSING_STYLE": "host"}, ["AWS_S3_ADDRESSING_STYLE must be virtual or path."]),
    (
        {"AWS_S3_CUSTOM_DOMAIN": "https://cdn.example.org"},
        ["AWS_S3_CUSTOM_DOMAIN must be a host name alone, without https:// and without slashes."],
    ),
    ({"MEDIA_PREFIX": "a//b"}, [f"MEDIA_PREFIX {KEY_PART}"]),
    ({"FILES_FOLDER": "a b"}, [f"FILES_FOLDER {KEY_PART}"]),
    ({"FILES_FOLDER": "$NONE"}, ["FILES_FOLDER refers to a variable that is not set."]),
    ({"MEDIA_PREFIX": "protected/x"}, ["MEDIA_PREFIX must not lie within PROTECTED_PREFIX."]),
    ({"ASSETS_PREFIX": "protected/x"}, ["ASSETS_PREFIX must not lie within PROTECTED_PREFIX."]),
    ({"MEDIA_PREFIX": "assets/x"}, ["MEDIA_PREFIX must not lie within ASSETS_PREFIX."]),
    ({"ASSETS_PREFIX": "media/x"}, ["ASSETS_PREFIX must not lie within MEDIA_PREFIX."]),
    (
        {"PROTECTED_PREFIX": "media/x", "BATCH_REPORT_PREFIX": "batch"},
        ["PROTECTED_PREFIX must not lie within MEDIA_PREFIX."],
    ),
    ({"BATCH_REPORT_PREFIX": "media/x"}, ["BATCH_REPORT_PREFIX must not lie within MEDIA_PREFIX."]),
    ({"BATCH_REPORT_PREFIX": "assets"}, ["ASSETS_PREFIX must not lie within BATCH_REPORT_PREFIX."]),
    (
        {"ASSETS_BUCKET_NAME": "other", "PROTECTED_BUCKET_NAME": "other",
         "BATCH_REPORT_PREFIX": "assets/x"},
        ["BATCH_REPORT_PREFIX must not lie within ASSETS_PREFIX."],
    ),
    (
        {"BATCH_ROLE_ARN": "arn:aws:iam::1:role/x"},
        ["BATCH_ROLE_ARN must be a role: arn:aws:iam::123456789012:role/name."],
    ),
    (
        {"ASSETS_SECRET_ACCESS_KEY": "secret"},
        ["ASSETS_ACCESS_KEY_ID and ASSETS_SECRET_ACCESS_KEY go together: set both or none."],
    ),
    ({"ASSETS_SERVED_BY": "me"}, ["ASSETS_SERVED_BY must be bucket or site."]),
    (
        {"ASSETS_SERVED_BY": "site", "ASSETS_BUCKET_NAME": "a-b", "ASSETS_CUSTOM_DOMAIN": "c.d"},
        ["ASSETS_SERVED_BY is site, so unset ASSETS_BUCKET_NAME, ASSETS_CUSTOM_DOMAIN."],
    ),
    (
        {"LIVE_PROTECTED_PREFIX": "p", "LIVE_S3_REGION_NAME": "eu-west-1"},
        [("The live site's S3 is only partly configured: also set LIVE_STORAGE_BUCKET_NAME,"
         " LIVE_READ_ONLY_ACCESS_KEY_ID, LIVE_READ_ONLY_SECRET_KEY, or unset them all.")],
    ),
    (
        {"AWS_SECRET_ACCESS_KEY": "", "AWS_S3_REGION_NAME": ""},
        [("S3 is only partly configured: also set AWS_SECRET_ACCESS_KEY, AWS_S3_REGION_NAME, or"
         " unset them all.")],
    ),
]  # fmt: skip


NO_S3 = {name: "" for name in DEPLOYED if name not in WITHOUT_S3}
CUBE_KEYS = "S3 is only partly configured: also set CLOUDCUBE_ACCESS_KEY_ID,"
CUBE_KEYS += " CLOUDCUBE_SECRET_ACCESS_KEY, or unset them all."
OF_ADD_ONS = [
    (
        {"CLOUDCUBE_URL": "https://x.example.org/cube"},
        [
            "CLOUDCUBE_URL must be as Cloudcube sets it: https://bucket.s3.../name-of-cube",
            CUBE_KEYS,
        ],
    ),
    (
        {"CLOUDCUBE_URL": "cube"},
        [ENDPOINT.replace("AWS_S3_ENDPOINT_URL", "CLOUDCUBE_URL"), CUBE_KEYS],
    ),
    (
        {"BUCKETEER_BUCKET_NAME": "bucketeer-1"},
        [
            ("S3 is only partly configured: also set BUCKETEER_AWS_ACCESS_KEY_ID,"
            " BUCKETEER_AWS_SECRET_ACCESS_KEY, BUCKETEER_AWS_REGION, or unset them all.")
        ],
    ),
    (
        {
            "BUCKETEER_BUCKET_NAME": "Bucketeer", "BUCKETEER_AWS_ACCESS_KEY_ID": "AKIA",
            "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret", "BUCKETEER_AWS_REGION": "nowhere",
        },
        [
            "BUCKETEER_AWS_REGION must be one of AWS's regions, such as eu-west-1.",
            ("BUCKETEER_BUCKET_NAME must be a name that AWS allows: 3 to 63 small letters, digits,"
            " . and -."),
        ],
    ),
    (
        {"BUCKETEER_BUCKET_NAME": "bucketeer-1", "AWS_S3_REGION_NAME": "nowhere"},
        [
            "AWS_S3_REGION_NAME must be one of AWS's regions, such as eu-west-1.",
            ("S3 is only partly configured: also set BUCKETEER_AWS_ACCESS_KEY_ID,"
            " BUCKETEER_AWS_SECRET_ACCESS_KEY, or unset them all."),
        ],
    ),
]  # fmt: skip
REFUSALS += [(NO_S3 | slip, sentences) for slip, sentences in OF_ADD_ONS]


@pytest.mark.parametrize(
    ("slip", "sentences"), REFUSALS, ids=lambda value: ",".join(sorted(value))[:40]
)
def test_each_slip_is_answered_with_one_sentence(slip, sentences):
    """C1, C8: what is wrong, by name, and what to write instead."""
    with pytest.raises(ImproperlyConfigured) as caught:
        settings_for(DEPLOYED | slip)

    first, *lines = str(caught.value).splitlines()
    assert first == (
        "The environment is not complete or not valid (.env.example lists all variables):"
    )
    assert lines == [f"  - {sentence}" for sentence in sentences]
