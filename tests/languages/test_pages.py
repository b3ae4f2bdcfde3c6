"""No page has a text that cannot be translated: each address, in a language made for this."""

from itertools import product

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils.translation import trans_real

from profiles.models import Profile, User
from profiles.society import current
from profiles.society.models import Society
from tests.support.addresses import addresses

from .pseudo import CODE, Text

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

GREEK = "Λ Ω"  # folded, it has no two letters together
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
    is_page = response.get("Content-Type", "").startswith("text/html")
    content = b"".join(response)
    return Text(content.decode()).unmarked if is_page else []


def listed(faults) -> list[str]:
    """Return each text once, with the first page that has it."""
    first = {text: page for page, text in reversed(faults)}
    return [f"{page}: {text}" for text, page in sorted(first.items())]


def not_in_german(asked) -> list[str]:
    """Return the texts without a translation, Django's and allauth's included."""
    known = trans_real.translation("de")._catalog
    return sorted(text for text in asked if text not in known and (text, 0) not in known)


@pytest.mark.parametrize(
    ("role", "part", "forms"),
    [
        ("anonymous", "", [None, {}, WRONG]),
        ("owner", "", [None, {}, WRONG]),
        ("superuser", "", [None]),
        ("superuser", "admin/", [None, {}, WRONG]),
    ],
)
def test_every_text_of_every_page_is_marked(greek, examples, pseudo, role, part, forms):
    client = Client(headers={"accept-language": CODE}, raise_request_exception=False)
    if greek[role]:
        client.force_login(greek[role])
    routes = [each for each in addresses() if each.startswith("admin/") == bool(part)]

    faults, pages = [], 0
    for route, data in product(routes, forms):
        cache.clear()
        cookies = client.cookies.output()
        with transaction.atomic():
            address = examples(route)
            response = client.get(address) if data is None else client.post(address, data)
            pages += response.status_code == 200
            where = f"{response.wsgi_request.method} /{route}"
            faults += [(where, text) for text in found_in(response)]
            transaction.set_rollback(True)
        client.cookies.clear()
        client.cookies.load(cookies.replace("Set-Cookie: ", ""))

    assert listed(faults) == []
    assert not_in_german(pseudo.asked) == []
    assert pages > 15
