"""Each room can be taken into another project, together with the rooms that it uses."""

import shutil
import subprocess
import sys

import pytest

from .test_rooms import ROOMS, ROOT

# A project of somebody else's, which sets nothing that Django does not ask for.
PROJECT = """
import importlib, pathlib
import django
from django.conf import settings

rooms = {rooms!r}
apps = [f"portal.{{room}}" for room in rooms if pathlib.Path("portal", room, "apps.py").exists()]
settings.configure(
    SECRET_KEY="a project of somebody else's, who sets nothing more",
    INSTALLED_APPS=[*{others!r}, *apps],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
)
django.setup()
for path in sorted(pathlib.Path("portal").rglob("*.py")):
    importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    print(path)
"""


DJANGO = ["django.contrib.auth", "django.contrib.contenttypes"]
ADMIN = ["django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"]
OTHERS = {"outbox": [*DJANGO, *ADMIN]}
# accounts stays: it is this site's allauth, with its settings, its pages and its user model.
LIFTED = [room for room in ROOMS if room != "accounts"]


def with_what_they_use(room):
    """The rooms to take along: those that a room uses, and those that they use."""
    return {room}.union(*map(with_what_they_use, ROOMS[room]))


@pytest.mark.whole
@pytest.mark.parametrize("room", LIFTED)
def test_a_room_lifts_out(room, tmp_path):
    rooms = sorted(with_what_they_use(room))
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal/__init__.py").touch()
    for name in rooms:
        shutil.copytree(ROOT / "portal" / name, tmp_path / "portal" / name)

    ran = subprocess.run(
        [sys.executable, "-c", PROJECT.format(rooms=rooms, others=OTHERS.get(room, DJANGO))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": ""},
    )

    assert ran.returncode == 0, ran.stderr
    assert f"portal/{room}/" in ran.stdout
