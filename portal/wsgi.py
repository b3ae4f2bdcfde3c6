"""The application that gunicorn serves.

WSGI servers do not run Django's system checks. Here they run before the first request, because a
site that fails them must not serve: its uploads might have no storage, for example.
"""

import gc
import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

from .request_bodies import UTF8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# Until all is loaded. Next to none of it is garbage, and to look for it took a tenth of the start.
gc.disable()

site = get_wsgi_application()
site.request_class = UTF8Request

from .outbox import sender  # noqa: E402 - has models, which must not come before the apps
from .postgresql.middleware import limited_waits  # noqa: E402
from .staging.identity import mark_at_start  # noqa: E402


def application(environ, start_response):
    """Answer a request; the first one starts the outbox, unless gunicorn.conf.py has."""
    sender.start()
    return site(environ, start_response)


BaseCommand().check()
with limited_waits():  # a database that does not answer must not keep the site from starting
    mark_at_start()

# What is loaded stays. A later search would write into each object, and a page of memory that a
# worker has written to is no longer shared with the others.
gc.freeze()
gc.enable()
