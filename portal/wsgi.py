"""The application that gunicorn serves.

WSGI servers do not run Django's system checks. Here they run before the first request, because a
site that fails them must not serve: its uploads might have nowhere to go, for example.
"""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

from .request_bodies import UTF8Request, WholeBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

site = get_wsgi_application()

from .outbox import sender  # noqa: E402 - has models, which must not come before the apps
from .postgresql.middleware import limited_waits  # noqa: E402
from .staging.identity import mark_at_start  # noqa: E402

site.request_class = UTF8Request
whole_bodies = WholeBodies(site)


def application(environ, start_response):
    """Answer a request; with the first one, servers other than gunicorn start the outbox."""
    sender.start()
    return whole_bodies(environ, start_response)


BaseCommand().check()
with limited_waits():  # a database that does not answer must not keep the site from starting
    mark_at_start()
