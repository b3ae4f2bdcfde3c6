"""Answer requests in this process, without a server, and report the processor time of a page.

Reads lines of JSON, {"path": ..., "cookie": ..., "status": ..., "count": ...}, and answers each
with the processor's seconds of one request, the mean of `count`, and with the seconds that passed.
pages.py talks to one such process for each site.
"""

import importlib
import io
import json
import os
import sys
import time
import uuid
from urllib.parse import unquote

from .sites import HOST


def environ_of(path: str, cookie: str) -> dict:
    """A request as gunicorn hands it on, behind a router."""
    path, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path),
        "QUERY_STRING": query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": HOST,
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_ENCODING": "gzip, br",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_REQUEST_ID": str(uuid.uuid4()),
        "HTTP_COOKIE": cookie,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def answer(application, path: str, cookie: str) -> tuple[int, int]:
    """Answer one request; return the status and the length of the body."""
    started = []
    body = application(environ_of(path, cookie), lambda *args: started.append(args))
    length = sum(map(len, body))
    body.close()
    return int(started[0][0].split()[0]), length


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    with open(os.devnull, "w") as nowhere:  # for the log, which is written all the same
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    module = os.environ["DJANGO_SETTINGS_MODULE"].replace(".settings", ".wsgi")
    application = importlib.import_module(module).application
    for line in sys.stdin:
        asked = json.loads(line)
        started, began = time.perf_counter(), time.process_time()
        for _ in range(asked["count"]):
            status, length = answer(application, asked["path"], asked["cookie"])
            if status != asked["status"]:
                sys.exit(f"{asked['path']} was answered {status}.")
        seconds = (time.process_time() - began) / asked["count"]
        elapsed = (time.perf_counter() - started) / asked["count"]
        found = {"seconds": seconds, "elapsed": elapsed, "bytes": length}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
