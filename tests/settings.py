"""The site's own settings, without the variables of the developer's environment."""

import os
import re
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / ".env.example"
SITE_VARIABLES = re.findall(r"^([A-Z0-9_]+)=", EXAMPLE.read_text(), re.MULTILINE)


def without_site_variables() -> dict[str, str]:
    """Return the environment of this process, for another one, without what sets up the site."""
    return {name: value for name, value in os.environ.items() if name not in SITE_VARIABLES}


for variable in SITE_VARIABLES:
    os.environ.pop(variable, None)
if "TEST_DATABASE_URL" in os.environ:  # tests/support/with_postgresql.py sets it
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from portal.settings import *  # noqa: E402, F403
from portal.settings import STORAGES  # noqa: E402

DEBUG = False
SECRET_KEY = "a-key-of-the-tests-and-of-the-dynos-that-they-start"
WHITENOISE_USE_FINDERS = False  # each test client would look for all files anew
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
STORAGES = STORAGES | {
    # No build before a test run; the tests of assets collect them for themselves.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
