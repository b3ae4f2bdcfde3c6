"""Every address of the site, with examples for its parameters, and one person of each role."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.urls import URLPattern, get_resolver

from portal.outbox.models import OutgoingMessage
from profiles.models import ResumeDownload
from tests.conftest import make_member


def addresses(patterns=None, prefix=""):
    """Every route of the site, as one string each: admin/profiles/user/<path:object_id>/change/."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern).lstrip("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from addresses(pattern.url_patterns, route)


@pytest.fixture
def people(owner):
    """One of each role; `owner` is the one that the addresses are about."""
    return {
        "anonymous": None,
        "inactive": make_member("left@example.org", name="Left", is_active=False),
        "member": make_member("ada@example.org", name="Ada"),
        "owner": owner,
        "staff": make_member("clerk@example.org", name="Clerk", is_staff=True),
        "superuser": make_member("chief@example.org", is_staff=True, is_superuser=True),
    }


@pytest.fixture
def examples(people, owner):
    """Return values for the parameters of a route."""
    opened = ResumeDownload.objects.create(profile=owner.profile, member=people["member"])
    factor = Authenticator.objects.create(user=owner, type="totp", data={})
    message = OutgoingMessage.objects.create(to=owner.email)
    objects = {
        "user": owner.pk,
        "resumedownload": opened.pk,
        "authenticator": factor.pk,
        "outgoingmessage": message.pk,
    }

    def fill(route):
        app_model = re.search(r"admin/\w+/(\w+)/", route)
        object_id = objects.get(app_model[1], 999_999) if app_model else 999_999
        values = {
            "pk": owner.profile.pk,
            "purpose": "avatar",
            "kind": "skill",
            "code": "de",
            "role": "member",
            "object_id": object_id,
            "id": owner.pk,
            "content_type_id": 999_999,
            "app_label": "profiles",
            "token": "forged",
            "name": "avatar",
            "look": "0b5c63-0123456789ab",
            "path": owner.profile.avatar.name,
            "key": "forged",
            "uidb36": "1",
            "uid": "1",
            "url": "nothing",
            "final_catch_all": "nothing/",
        }
        route = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), route)
        route = re.sub(r"\(\?P(\w+)\)", r"\1", route)
        return "/" + re.sub(r"\(\?P\d+\[[^)]*\)|\(\?P[^)]*\)", "forged", route)

    return fill
