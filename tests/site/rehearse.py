"""Rehearse a push: make rehearse.

What is committed (or, with --working-tree, what lies here) is built, released, served and stopped
as Heroku does it, from an empty environment and requirements.txt alone, against PostgreSQL over
TLS with 20 connections and an S3 server on this machine that refuses what AWS refuses. Twice: as
the button sets the site up, with the variables of a Cedar dyno; and as docs/deploying.md does, with
none of them, as a container has it. Each line of the output is a promise that held; the first that
does not ends the rehearsal with a sentence. Nothing is left behind either way.
"""

import argparse
import contextlib
import json
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.deployed import ENVIRONMENT
from tests.support.dyno import procfile, run
from tests.support.serving import serve
from tests.support.steps import Failed, expect, step
from tests.support.strict_s3 import StrictS3
from tests.support.tls_postgresql import TLSPostgreSQL

ROOT = Path(__file__).parents[2]
CONNECTIONS = 20  # of heroku-postgresql:essential-0
S3_KEY, S3_SECRET, S3_REGION = "AKIAREHEARSAL", "a-secret-for-this-machine-alone", "eu-west-1"
S3_NAMES = [
    "AWS_STORAGE_BUCKET_NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_S3_REGION_NAME",
]
BY_HAND = {name: value for name, value in ENVIRONMENT.items() if name != "STATIC_ROOT"}
THIS_MACHINE = {"portal.W005"}  # S3 is spoken to over http here, on loopback
COLLECTSTATIC = "python manage.py collectstatic --noinput"  # as both buildpacks spell it

# What the dyno manager and the Python buildpack's .profile.d set on Cedar.
CEDAR = {
    "DYNO_RAM": "512",
    "FORWARDED_ALLOW_IPS": "*",
    "GUNICORN_CMD_ARGS": "--access-logfile -",
    "LANG": "en_US.UTF-8",
    "PYTHONHASHSEED": "random",
    "PYTHONUNBUFFERED": "true",
    "WEB_CONCURRENCY": "2",
}


@dataclass
class Site:
    """A deployment: its config vars, what its host sets on each dyno, and where it is built."""

    name: str
    host: str
    config: dict
    python: Path
    tree: Path
    dyno_sets: dict = field(default_factory=dict)
    to_do: set = field(default_factory=set)  # warnings that are left to the operator

    @property
    def database(self) -> str:
        return self.config["DATABASE_URL"].rpartition("/")[2]

    def environment(self, dyno: str = "") -> dict:
        """Return the whole environment of a process; a build does not run on a dyno."""
        path = f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        given = {"PATH": path, "HOME": str(self.tree)} | self.config
        if dyno and self.dyno_sets:
            given |= self.dyno_sets | {"DYNO": dyno, "PYTHONPATH": str(self.tree)}
        return given

    def run(self, line: str, dyno: str = "", **more: str) -> subprocess.CompletedProcess:
        return run(line, self.tree, self.environment(dyno) | more)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument(
        "--working-tree", action="store_true", help="rehearse what lies here, committed or not"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it cleans up, too
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="portal-rehearsal-") as name:
            folder = Path(name)
            folder.chmod(0o755)  # as root, PostgreSQL runs under a user of its own
            rehearse(folder, working_tree=options.working_tree)
    except Failed:
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left behind.")
        return 130
    print(f"{time.monotonic() - started:6.1f}   in all: this can be pushed.")
    return 0


def rehearse(folder: Path, *, working_tree: bool) -> None:
    clone = folder / "clone"
    with step("the working tree is copied" if working_tree else "HEAD is cloned"):
        (copy_files if working_tree else clone_head)(clone)
    python = install(folder, clone)
    with contextlib.ExitStack() as servers:
        with step(f"PostgreSQL with TLS and {CONNECTIONS} connections, and S3, are started"):
            s3 = servers.enter_context(StrictS3({S3_KEY: S3_SECRET}, region=S3_REGION))
            postgresql = servers.enter_context(TLSPostgreSQL(folder, connections=CONNECTIONS))
        without_s3(clone, folder, python, postgresql)
        for site in (
            by_the_button(clone, folder, python, postgresql, s3),
            by_hand(folder, python, postgresql, s3),
        ):
            print(f"\n{site.name}")
            build(site, clone, s3)
            release(site)
            serve(site, postgresql, folder, *a_member(site))
        with step("the database was only ever spoken to over TLS"):
            expect(postgresql.most_at_once, "Nobody connected to the database.")
            expect(not postgresql.in_plain, "A process tried to reach the database without TLS.")


def clone_head(clone: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    shutil.rmtree(clone / ".git")  # a slug has none


def copy_files(clone: Path) -> None:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():  # else deleted, and not yet committed
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)


def install(folder: Path, clone: Path) -> Path:
    """Install what production needs, and nothing else; returns the Python that has it."""
    wanted = (clone / ".python-version").read_text().strip()
    named = shutil.which(f"python{wanted}")
    # pyenv and its like have a command for each version, which may only say that it is not there.
    found = (
        named and not subprocess.run([named, "-c", ""], cwd=clone, capture_output=True).returncode
    )
    version = wanted if found else f"{sys.version_info[0]}.{sys.version_info[1]}"
    note = "" if version == wanted else f" ({wanted}, which .python-version names, is not here)"
    python = folder / "python" / "bin" / "python"
    with step(f"requirements.txt alone is installed, with hashes, for Python {version}{note}"):
        creator = named if found else sys.executable
        subprocess.run([creator, "-m", "venv", str(python.parent.parent)], cwd=clone, check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command = [*pip, "--require-hashes", "-r", "requirements.txt"]
        done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
        expect(done.returncode == 0, "requirements.txt cannot be installed.", done.stderr)
    return python


def without_s3(clone: Path, folder: Path, python: Path, postgresql: TLSPostgreSQL) -> None:
    """A build may come before its bucket; a release may not."""
    config = {name: value for name, value in BY_HAND.items() if not name.startswith("AWS_")}
    config["DATABASE_URL"] = postgresql.create_database("without_s3")
    site = Site("without S3", ENVIRONMENT["ALLOWED_HOSTS"], config, python, folder / "without-s3")
    shutil.copytree(clone, site.tree)
    with step("a build without S3 succeeds"):
        done = site.run(COLLECTSTATIC)
        expect(done.returncode == 0, "A build without S3's variables fails.", done.stdout)
    with step("its release fails, names what is missing, and has changed nothing"):
        done = site.run(procfile(site.tree)["release"])
        expect(done.returncode != 0, "A site without S3 was released.", done.stdout)
        for name in S3_NAMES:
            expect(name in done.stdout, f"The failing release does not name {name}.", done.stdout)
        with postgresql.connect("without_s3") as database:
            tables = database.execute("SELECT * FROM pg_tables WHERE schemaname = 'public'")
            expect(not tables.fetchall(), "The failing release has touched the database.")


def by_the_button(clone, folder, python, postgresql, s3) -> Site:
    """As app.json sets a site up without asking, on Cedar."""
    variables = json.loads((clone / "app.json").read_text())["env"]
    with step("app.json leaves nothing to ask for"):
        known = {"value", "generator"}
        asked = [name for name, entry in variables.items() if not known & entry.keys()]
        expect(not asked, f"The button would ask for {', '.join(asked)}.")
    config = {
        "DATABASE_URL": postgresql.create_database("cedar"),
        "BUCKETEER_BUCKET_NAME": "bucketeer-rehearsal",
        "BUCKETEER_AWS_ACCESS_KEY_ID": S3_KEY,
        "BUCKETEER_AWS_SECRET_ACCESS_KEY": S3_SECRET,
        "BUCKETEER_AWS_REGION": S3_REGION,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }
    for name, entry in variables.items():
        config[name] = entry["value"] if "value" in entry else secrets.token_hex(32)
    host = "rehearsal-1234567890ab.herokuapp.com"
    tree = folder / "build" / "cedar"
    to_do = {"portal.W001", "portal.W002"}  # hosts of its own, and e-mail
    return Site("Cedar, by the button", host, config, python, tree, CEDAR, to_do)


def by_hand(folder, python, postgresql, s3) -> Site:
    """As docs/deploying.md sets a site up, in a container whose host sets nothing but the port."""
    config = BY_HAND | {
        "DATABASE_URL": postgresql.create_database("container"),
        "AWS_ACCESS_KEY_ID": S3_KEY,
        "AWS_SECRET_ACCESS_KEY": S3_SECRET,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }
    host = config["ALLOWED_HOSTS"]
    return Site(
        "A container, by docs/deploying.md", host, config, python, folder / "build" / "container"
    )


def build(site: Site, clone: Path, s3: StrictS3) -> None:
    """Build as the buildpack does; from then on the site has nothing to write to but /tmp (R3)."""
    shutil.copytree(clone, site.tree)
    with step("a build uploads the assets to their bucket"):
        done = site.run("python manage.py setup_bucket")
        expect(done.returncode == 0, "setup_bucket fails.", done.stdout)
        s3.clear()
        done = site.run(COLLECTSTATIC)
        expect(done.returncode == 0, "The build's collectstatic fails.", done.stdout)
        puts = sum(request.method == "PUT" for request in s3.requests)
        expect(puts, "The build has uploaded no assets.", done.stdout)
    with step("what was built is moved away, and nothing can be written there"):
        moved = site.tree.parent.parent / "app" / site.tree.name
        moved.parent.mkdir(exist_ok=True)
        site.tree = site.tree.rename(moved)
        for path in [moved, *moved.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)
        done = site.run("touch a-file")
        expect(done.returncode != 0, "The tree can be written to; is setpriv (util-linux) here?")


def release(site: Site) -> None:
    with step("the release line succeeds"):
        done = site.run(procfile(site.tree)["release"], "release.1")
        expect(done.returncode == 0, "The Procfile's release line fails.", done.stdout)
    with step("and again, as in each release after the first"):
        done = site.run(procfile(site.tree)["release"], "release.2")
        expect(done.returncode == 0, "The release line fails when run again.", done.stdout)
    left = f" but {', '.join(sorted(site.to_do))}, the operator's to do" if site.to_do else ""
    with step(f"check --deploy finds nothing{left}"):
        done = site.run("python manage.py check --deploy", "run.1")
        expect(done.returncode == 0, "check --deploy finds errors.", done.stdout)
        found = set(re.findall(r"\((\w+\.[A-Z]\d+)\)", done.stdout))
        expect(not found - site.to_do - THIS_MACHINE, "check --deploy has warnings.", done.stdout)


def a_member(site: Site) -> tuple[str, str]:
    """Add a member who can log in; return the address and the password."""
    if site.dyno_sets:
        with step("a review app's postdeploy seeds it, and prints a log-in"):
            review = json.loads((site.tree / "app.json").read_text())["environments"]["review"]
            done = site.run(review["scripts"]["postdeploy"], "run.2")
            login = re.search(r"^ +member +(\S+) +(\S+)$", done.stdout, re.MULTILINE)
            expect(done.returncode == 0 and login, "postdeploy prints no log-in.", done.stdout)
        return login[1], login[2]
    with step("createsuperuser adds the first member of the staff"):
        email, password = "rehearsal@example.org", "a passphrase for this rehearsal"
        line = f"python manage.py createsuperuser --no-input --email {email}"
        done = site.run(line, DJANGO_SUPERUSER_PASSWORD=password)
        expect(done.returncode == 0, "createsuperuser fails.", done.stdout)
    return email, password


if __name__ == "__main__":
    sys.exit(main())
