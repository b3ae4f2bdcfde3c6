"""The rooms need no other packages than docs/reuse.md lists: somebody else has only those."""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from shutil import copytree

import pytest

from .test_rooms import ROOT

LIFTED = ["s3", "files", "buckets", "exposure", "copying", "staging"]
ALONE = ["portal/files/assets.py", "portal/staging/drawings.py"]  # only where they are used

PROJECT = """
import importlib, pathlib, sys

import django
from django.conf import settings
from django.core.management import call_command


class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Hidden())
settings.configure(
    SECRET_KEY="a project of somebody else's, who sets nothing more",
    STATIC_URL="static/",
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles",
        "portal.files", "portal.buckets", "portal.exposure", "portal.staging",
    ],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    STORAGES={{
        "default": {{
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {{
                "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret",
                "location": "files", "region_name": "eu-west-1",
            }},
        }},
        "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
    }},
)
django.setup()
call_command("check", deploy=True)
for path in sorted(pathlib.Path("portal").rglob("*.py")):
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(path, error.name)
"""


def listed_packages() -> set[str]:
    """The packages that docs/reuse.md lists, without their extras."""
    text = (ROOT / "docs/reuse.md").read_text()
    [sentence] = re.findall(r"They need the packages (.*?) from", text, re.DOTALL)
    return {name.partition("[")[0] for name in re.findall(r"`([^`]+)`", sentence)}


def plain(name: str) -> str:
    """A package's name as it is compared: requirements write it in more ways than one."""
    return name.lower().replace("_", "-")


def with_what_they_need(packages: set[str], installed: set[str]) -> set[str]:
    """The packages, and those of the installed ones that come with them."""
    needed, left = set(), {"django", *packages}
    while left:
        package = left.pop()
        needed.add(package)
        lines = [line for line in requires(package) or [] if "extra ==" not in line]
        left |= {plain(re.match(r"[\w.-]+", line)[0]) for line in lines} & installed
        left -= needed
    return needed


@pytest.mark.whole
def test_the_rooms_import_with_nothing_but_the_listed_packages(tmp_path):
    """Whole: it takes a new process, from which all other packages are hidden."""
    of_module = {
        name: set(map(plain, packages)) for name, packages in packages_distributions().items()
    }
    shown = with_what_they_need(listed_packages(), set().union(*of_module.values()))
    hidden = {name for name, packages in of_module.items() if not packages & shown}
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal/__init__.py").touch()
    for room in LIFTED:
        copytree(ROOT / "portal" / room, tmp_path / "portal" / room)

    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROJECT.format(hidden=hidden)],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    lacked = dict(line.split() for line in ran.stdout.splitlines() if line.startswith("portal/"))
    assert lacked == dict(zip(ALONE, ("whitenoise", "anyascii"), strict=True))
