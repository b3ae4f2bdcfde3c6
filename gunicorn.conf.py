"""How gunicorn serves the site behind Heroku's router, or any proxy like it.

Cloud Native Buildpacks set none of gunicorn's variables, so all of it is stated here.
"""

import os

bind = f"[::]:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 3  # 2 x 3 connections a dyno: two dynos overlapping in a deploy fit a plan of 20
preload_app = True  # a misconfigured site fails before a worker is born, and memory is shared

keepalive = 95  # seconds; Heroku's router closes idle connections after 90
timeout = 30  # seconds; the router gives up then, too
graceful_timeout = 20  # seconds, of the 30 between SIGTERM and SIGKILL
max_requests = 10_000
max_requests_jitter = 1_000

forwarded_allow_ips = "*"  # only the router can reach a dyno; it sets X-Forwarded-Proto itself
control_socket_disable = True  # gunicorn 27 would write one into $HOME, which may be read-only
if os.path.isdir("/dev/shm"):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats in memory, not on a disk that may block
