"""What portal/wsgi.py does before the first request, in order."""

import gc
import os
import runpy
import sys
from contextlib import contextmanager

import pytest
from django.core import wsgi
from django.core.management.base import BaseCommand

from portal.outbox import sender
from portal.postgresql import middleware
from portal.request_bodies import UTF8Request
from portal.staging import identity


class Application:
    """Stands in for Django's."""

    request_class = None

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, environ, start_response):
        self.steps.append("answer")
        return [b"ok"]


@pytest.fixture
def steps(monkeypatch):
    found = []

    @contextmanager
    def limited_waits():
        found.append("limit waits")
        yield
        found.append("end of limit")

    def note(step):
        return lambda *arguments, **options: found.append(step)

    for name in ("disable", "freeze", "enable"):
        monkeypatch.setattr(gc, name, note(f"gc.{name}"))
    monkeypatch.delitem(sys.modules, "portal.wsgi", raising=False)  # of a test before
    monkeypatch.setattr(wsgi, "get_wsgi_application", lambda: Application(found))
    monkeypatch.setattr(BaseCommand, "check", note("check"))
    monkeypatch.setattr(middleware, "limited_waits", limited_waits)
    monkeypatch.setattr(identity, "mark_at_start", note("mark"))
    monkeypatch.setattr(sender, "start", note("start the outbox"))
    return found


def test_a_site_is_checked_and_marked_before_it_serves(steps, monkeypatch):
    """C2, D1: a site that fails its checks must not serve, and no database keeps it from it."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")

    module = runpy.run_module("portal.wsgi")

    assert os.environ["DJANGO_SETTINGS_MODULE"] == "portal.settings"
    assert steps == [
        "gc.disable", "check", "limit waits", "mark", "end of limit", "gc.freeze", "gc.enable",
    ]  # fmt: skip
    assert module["site"].request_class is UTF8Request


def test_the_first_request_starts_the_outbox(steps):
    module = runpy.run_module("portal.wsgi")
    steps.clear()

    assert module["application"]({}, None) == [b"ok"]
    assert steps == ["start the outbox", "answer"]
