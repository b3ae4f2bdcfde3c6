"""gunicorn's settings behind Heroku's router, or a proxy like it.

Cloud Native Buildpacks set none of gunicorn's variables, so every setting is stated here.
"""

import os
import signal
import sys

from gunicorn.glogging import Logger


def number(name, default, most):
    """A variable's number, from 1 on; gunicorn does not start with what is none."""
    value = os.environ.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
        sys.exit(f"Not configured: {name} must be a whole number from 1 to {most}.")
    return int(value)


bind = f"[::]:{number('PORT', 8000, most=65_535)}"
worker_class = "portal.buffering_worker.BufferingWorker"  # gthread, which receives first
# Two workers, each with three threads for pages and the outbox's sender, take 8 database
# connections a dyno, so that the dynos of two releases fit a plan of 20 while they overlap; uploads
# in threads of their own take up to four more for moments. They use 200 of a basic dyno's 512 MB,
# and the one child that parses an upload takes up to 300 more. Cedar's buildpack sets
# WEB_CONCURRENCY to 4 and more on larger dynos, whatever the plan of the database, unless it is
# already set, as app.json does.
workers = number("WEB_CONCURRENCY", 2, most=100)
threads = 3
preload_app = True  # a misconfigured site fails before a worker starts, and memory is shared

# gunicorn's lines are written by the site's LOGGING, which preloading sets up before the first of
# them. A handler of gunicorn's own would be added at every HUP, and write each line twice.
errorlog = None


class NoAccessLog(Logger):
    """A logger without an access log: portal/observability/request_log.py logs requests.

    Its lines have more in them, and no tokens. `accesslog = None` is not enough: Cedar's buildpack
    turns the access log on in GUNICORN_CMD_ARGS, which take precedence over this file.
    """

    access_log_enabled = False


logger_class = NoAccessLog

keepalive = 95  # seconds; Heroku's router closes idle connections after 90
timeout = 30  # seconds; the router waits as long for an answer
graceful_timeout = 20  # seconds, of the 30 between SIGTERM and SIGKILL


def post_worker_init(worker):
    """Have each worker deliver what is in the outbox; threads do not survive a fork."""
    from portal.outbox import sender

    sender.start()


def worker_exit(server, worker):
    """Ignore SIGTERM in a worker that is about to exit, and let it finish the message it sends.

    A dyno's SIGTERM goes to all processes, and gunicorn's master sends its workers a second one,
    which would end them before they have flushed their output.
    """
    if worker.pid == os.getpid():  # the master calls this too, for a worker that has exited
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        from portal.outbox import sender

        sender.stop()


def pre_request(worker, request):
    """Keep only the first of several X-Forwarded-For headers: the log-in throttle counts by it.

    Heroku's router appends the client's address to the first and passes the others on unchanged
    (heroku/vegur, add_or_append_header). WSGI joins them all, and the last address counts, so a
    client that sends two headers would choose its own address.
    """
    if not os.environ.get("DYNO"):
        return  # elsewhere a proxy may add a header of its own after the client's
    others = [i for i, (name, _) in enumerate(request.headers) if name == "X-FORWARDED-FOR"][1:]
    request.headers[:] = [item for i, item in enumerate(request.headers) if i not in others]


max_requests = 10_000
max_requests_jitter = 1_000

forwarded_allow_ips = "*"  # only the router can reach a dyno; it sets X-Forwarded-Proto itself
forwarder_headers = ""  # by default, what is trusted above may also set SCRIPT_NAME
control_socket_disable = True  # gunicorn 27 would write one into $HOME, which may be read-only
if os.path.isdir("/dev/shm"):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats in memory, not on a disk that may block
