"""No page has a text that cannot be translated: each address, in a language made for this."""

import re

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client

from profiles.models import Profile, User
from profiles.society import current
from profiles.society.models import Society
from tests.support.addresses import addresses

from .pseudo import CODE, Text

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

GREEK = "Λόγος"
FIELDS = ("name", "headline", "bio", "place", "skills")
# Answers to forms that are sent empty, or with what no field takes.
WRONG = {
    "name": "\x00",
    "email": "@",
    "phone": "x",
    "links": "x",
    "contact_email": "@",
    "visibility": "x",
    "language": "x",
    "lines": "x\n@;\n",
    "password1": "1",
    "password2": "2",
    "oldpassword": "x",
    "login": "x",
    "password": "x",
    "code": "x",
    "accent": "x",
    "logo": "x",
}


@pytest.fixture
def greek(people, examples, pseudo, monkeypatch):
    """One of each role, whose texts are Greek, and who read the pseudo language."""
    User.objects.update(language=CODE)
    for profile in Profile.objects.all():
        for field in FIELDS:
            setattr(profile, field, GREEK)
        profile.visibility = "public"
        profile.place_visibility = profile.skills_visibility = "everyone"
        profile.save()
    texts = ("name", "tagline", "welcome", "contact", "privacy_notice", "imprint")
    society = Society(pk=1, **dict.fromkeys(texts, GREEK))
    monkeypatch.setattr(current, "_remembered", (float("inf"), society))
    return people


def found_in(response) -> list[str]:
    """Return what a page has outside of the marks."""
    kind = response.get("Content-Type", "")
    if kind.startswith("text/html") and not response.streaming:
        return Text(response.content.decode()).unmarked
    return []


def listed(faults) -> list[str]:
    """Return each text once, with the first page that has it."""
    first = {text: page for page, text in reversed(faults)}
    return [f"{page}: {text}" for text, page in sorted(first.items())]


@pytest.mark.parametrize(
    ("role", "part"), [("anonymous", ""), ("owner", ""), ("superuser", "admin/"), ("superuser", "")]
)
def test_every_text_of_every_page_is_marked(greek, examples, role, part):
    client = Client(headers={"accept-language": CODE}, raise_request_exception=False)
    if greek[role]:
        client.force_login(greek[role])
    is_of_part = (
        (lambda route: route.startswith(part))
        if part
        else (lambda route: not route.startswith("admin/"))
    )

    faults, pages = [], 0
    for route in filter(is_of_part, addresses()):
        for data in (None, {}, WRONG):
            cache.clear()
            with transaction.atomic():
                address = examples(route)
                response = client.get(address) if data is None else client.post(address, data)
                pages += "text/html" in response.get("Content-Type", "")
                where = f"{response.wsgi_request.method} /{route}"
                faults += [(where, text) for text in found_in(response)]
                transaction.set_rollback(True)
            if response.status_code == 405:
                break

    assert listed(faults) == []
    assert pages > 20
