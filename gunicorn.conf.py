"""How gunicorn serves the site behind Heroku's router, or any proxy like it.

Cloud Native Buildpacks set none of gunicorn's variables, so all of it is stated here.
"""

import os
import signal

from gunicorn.glogging import Logger

bind = f"[::]:{os.environ.get('PORT') or '8000'}"
worker_class = "portal.buffering_worker.BufferingWorker"  # gthread, which receives first
# Two workers and three threads are 6 database connections a dyno, so that the dynos of two releases
# fit a plan of 20 side by side; they need 130 of a basic dyno's 512 MB, and decoding a photo 190
# more. Cedar's buildpack sets WEB_CONCURRENCY to 4 and more on larger dynos, whatever the plan of
# the database, unless it is set already, as app.json does.
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 3
preload_app = True  # a misconfigured site fails before a worker is born, and memory is shared

# The site's LOGGING, which preloading sets up before gunicorn has said anything, writes its lines.
# A handler of gunicorn's own would come back beside it with every HUP, and say everything twice.
errorlog = None


class NoAccessLog(Logger):
    """portal/observability/request_log.py says more, and no tokens.

    accesslog = None would not do: Cedar's buildpack asks for the access log in GUNICORN_CMD_ARGS,
    which beats this file.
    """

    access_log_enabled = False


logger_class = NoAccessLog

keepalive = 95  # seconds; Heroku's router closes idle connections after 90
timeout = 30  # seconds; the router gives up then, too
graceful_timeout = 20  # seconds, of the 30 between SIGTERM and SIGKILL


def worker_exit(server, worker):
    """Let a worker that has finished its requests finish itself.

    A dyno's SIGTERM goes to all processes, and gunicorn's master sends its workers another, which
    used to kill them before they had flushed what they still held.
    """
    if worker.pid == os.getpid():  # the master calls this too, for a worker that is gone
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def pre_request(worker, request):
    """Believe, of several X-Forwarded-For, only the first: the log-in throttle counts by it.

    Heroku's router adds the client's address to the first and passes the others on as they came
    (heroku/vegur, add_or_append_header). WSGI joins them all, so that a client that sends two would
    have the last word on who it is.
    """
    if not os.environ.get("DYNO"):
        return  # elsewhere a proxy may add a header of its own, after the client's
    others = [i for i, (name, _) in enumerate(request.headers) if name == "X-FORWARDED-FOR"][1:]
    request.headers[:] = [item for i, item in enumerate(request.headers) if i not in others]


max_requests = 10_000
max_requests_jitter = 1_000

forwarded_allow_ips = "*"  # only the router can reach a dyno; it sets X-Forwarded-Proto itself
forwarder_headers = ""  # by default, whoever is believed above may set SCRIPT_NAME as well
control_socket_disable = True  # gunicorn 27 would write one into $HOME, which may be read-only
if os.path.isdir("/dev/shm"):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats in memory, not on a disk that may block
