"""Views that fail and views that log, beside the site's own; ROOT_URLCONF for tests of the log."""

import logging
import threading

from django.http import HttpResponse
from django.urls import include, path

SECRET = "0123abcd4567"
LINK = f"https://files.example/protected/x.pdf?X-Amz-Expires=600&X-Amz-Signature={SECRET}"

logger = logging.getLogger("tests.views")


def crash(request):
    try:
        raise KeyError(LINK)
    except KeyError as error:
        raise ValueError(f'first "line" of {LINK}\nand another') from error


def deep_crash(request, depth=60):
    return deeper(request, depth - 1) if depth else crash(request)


def deeper(request, depth):  # frames that repeat would be left out of a traceback
    return deep_crash(request, depth)


def meet(request, name):
    """Log, wait until another request has logged, too, and log again."""
    logger.info("before", extra={"who": name})
    meeting.wait(10)
    logger.info("after", extra={"who": name})
    return HttpResponse(name)


meeting = threading.Barrier(2)
urlpatterns = [
    path("crash/", crash),
    path("deep-crash/", deep_crash),
    path("meet/<str:name>/", meet),
    path("", include("portal.urls")),
]
