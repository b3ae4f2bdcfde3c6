"""A line of the Procfile as Heroku runs it, and requests as Heroku's router makes them."""

import contextlib
import http.client
import http.cookies
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid
from pathlib import Path

import psutil

START_SECONDS = 30
STOP_SECONDS = 30  # between Heroku's SIGTERM and SIGKILL


def procfile(tree: Path) -> dict[str, str]:
    """The Procfile's lines by process type."""
    return dict(re.findall(r"^([\w-]+):\s*(.+)$", (tree / "Procfile").read_text(), re.MULTILINE))


def as_dyno(line: str) -> list[str]:
    """Return the command that runs a line in bash, as a dyno does, and obeys file permissions.

    Root obeys them only without the capability to override them.
    """
    command = ["bash", "-c", line]
    return ["setpriv", "--bounding-set=-dac_override", *command] if os.geteuid() == 0 else command


def run(line: str, tree: Path, environment: dict) -> subprocess.CompletedProcess:
    """Run a one-off line to its end; stdout has all its output."""
    return subprocess.run(
        as_dyno(line),
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


class Web:
    """A running web line, for as long as the `with` block lasts; then all processes are ended."""

    def __init__(self, line: str, tree: Path, environment: dict, log: Path):
        self.line, self.tree, self.environment, self.log = line, tree, environment, log
        self.port = free_port()

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                as_dyno(self.line),
                cwd=self.tree,
                env=self.environment | {"PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a process group of its own, as a dyno is
            )
        return self

    def __exit__(self, *exc_info):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number: int) -> None:
        """Signal all processes at once, as a dyno's are."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def serves(self) -> bool:
        """Wait until it listens; False if it has ended, or does not listen in time."""
        return eventually(lambda: self.listens() or self.has_ended(), START_SECONDS) and (
            self.listens()
        )

    def listens(self, address: str = "127.0.0.1") -> bool:
        with contextlib.suppress(OSError), socket.create_connection((address, self.port)):
            return True
        return False

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def processes(self) -> list[psutil.Process]:
        """The processes of the group that are still running."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                is_dead = process.status() == psutil.STATUS_ZOMBIE
                if os.getpgid(process.pid) == self.process.pid and not is_dead:
                    found.append(process)
        return found

    def megabytes(self) -> float:
        """Memory in use; what processes share counts once (on Linux)."""
        memory = [process.memory_full_info() for process in self.processes()]
        return sum(getattr(used, "pss", used.uss) for used in memory) / 1e6

    def unshared_megabytes(self) -> float:
        """Memory in use that each process has alone, of all processes together."""
        return sum(process.memory_full_info().uss for process in self.processes()) / 1e6

    def said(self) -> str:
        return self.log.read_text(errors="replace")


class Visitor:
    """A browser behind the router: it keeps its cookies and its connection."""

    def __init__(self, port: int, host: str, address: str = "127.0.0.1"):
        self.port, self.host = port, host
        self.connection = http.client.HTTPConnection(address, port, timeout=STOP_SECONDS)
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **options) -> "Answer":
        return self.request("GET", path, **options)

    def post(self, path: str, **fields: str) -> "Answer":
        """Send the form on a page, with the token that the page holds."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        body = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token[1] if token else ""})
        headers = {
            "Origin": f"https://{self.host}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.request("POST", path, body=body, headers=headers)

    def request(self, method, path, *, scheme="https", host=None, body=None, headers=()):
        request_id = str(uuid.uuid4())
        sent = {
            "Host": host or self.host,
            "X-Request-Id": request_id,
            "X-Forwarded-For": "203.0.113.7",
            "X-Forwarded-Proto": scheme,
            "X-Forwarded-Port": "443" if scheme == "https" else "80",
            "X-Request-Start": str(int(time.time() * 1000)),
            "Via": "1.1 heroku-router",
            **dict(headers),
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            for morsel in http.cookies.SimpleCookie(cookie).values():
                self.cookies[morsel.key] = morsel.value
        return Answer(response, request_id)


class Answer:
    def __init__(self, response: http.client.HTTPResponse, request_id: str):
        self.status, self.headers, self.request_id = response.status, response.headers, request_id
        self.text = response.read().decode(errors="replace")


def eventually(condition, seconds: float, every: float = 0.05) -> bool:
    """Return True as soon as a condition is true; False if it is not within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
