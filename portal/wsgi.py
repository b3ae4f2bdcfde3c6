"""The application that gunicorn serves.

WSGI servers do not run Django's system checks. Here they run before the first request, because a
site that fails them must not serve: its uploads might have nowhere to go, for example.
"""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

from .request_bodies import UTF8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()
application.request_class = UTF8Request
BaseCommand().check()
