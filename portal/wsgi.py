"""The application that gunicorn serves.

Servers do not run Django's system checks by themselves; this one must not serve what fails them,
such as a site whose uploads would have nowhere to go.
"""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

from .request_bodies import UTF8Request, WholeBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

site = get_wsgi_application()
site.request_class = UTF8Request
application = WholeBodies(site)
BaseCommand().check()
