"""The same numbers as the portal's, with gunicorn's own threaded worker."""

import os

bind = f"[::]:{os.environ['PORT']}"
workers = 2
threads = 3
preload_app = True
keepalive = 95
max_requests = 10_000
max_requests_jitter = 1_000
forwarded_allow_ips = "*"
control_socket_disable = True
worker_tmp_dir = "/dev/shm"
