#!/usr/bin/env python
"""Ask the site on this machine whether it is alive: the Dockerfile's HEALTHCHECK.

It asks for one of the site's own hosts, because all others are turned away.
"""

import os
from urllib.request import Request, urlopen

port = os.environ.get("PORT", "").strip() or "8000"
hosts = os.environ.get("ALLOWED_HOSTS", "").split(",")
host = next((host.strip().lstrip(".") for host in hosts if host.strip()), "")
request = Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
urlopen(request, timeout=4)  # raises, and so exits with 1, unless the answer is 200
