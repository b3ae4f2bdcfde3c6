"""Write the members of one site: python -m tests.bench.fill portal 10000 indexed.

Prints, as JSON, the cookies of a member who has logged in, and the key of another's profile.
"""

import json
import sys
from datetime import timedelta

import django

from .society import EMAIL, OPENED, PASSWORD, person

BATCH = 5_000


def profile_of(person) -> dict:
    """Return the columns that both sites have."""
    shown = ("name", "headline", "bio", "place", "skills", "links", "phone", "contact_email")
    found = {name: getattr(person, name) for name in (*shown, "avatar", "resume")}
    return found | {"created_at": person.joined, "updated_at": person.joined}


def fill_portal(people, is_indexed: bool) -> None:
    from profiles.directory import indexing
    from profiles.models import Profile, User

    made_at = [Profile._meta.get_field(name) for name in ("created_at", "updated_at")]
    for field in made_at:
        field.auto_now = field.auto_now_add = False
    for start in range(0, len(people), BATCH):
        batch = people[start : start + BATCH]
        users = User.objects.bulk_create(User(email=each.email, password="!") for each in batch)
        Profile.objects.bulk_create(
            Profile(
                user=user,
                sort_key=indexing.sort_key(each.name),
                **profile_of(each),
                avatar_small=each.avatar_small,
            )
            for user, each in zip(users, batch, strict=True)
        )
    for _ in indexing.index_all(Profile.objects.all()) if is_indexed else ():
        pass


def fill_twin(people, is_indexed: bool) -> None:
    from django.contrib.auth.models import User

    from .twin.models import Profile

    for start in range(0, len(people), BATCH):
        batch = people[start : start + BATCH]
        users = User.objects.bulk_create(
            User(username=each.email, email=each.email, password="!") for each in batch
        )
        Profile.objects.bulk_create(
            Profile(user=user, **profile_of(each)) for user, each in zip(users, batch, strict=True)
        )


def main(site: str, members: int, is_indexed: bool) -> None:
    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    people = [person(each) for each in range(members)]
    {"portal": fill_portal, "twin": fill_twin}[site](people, is_indexed)
    label = {"portal": "profiles", "twin": "twin"}[site]
    downloads = apps.get_model(label, "ResumeDownload")
    visitor = get_user_model().objects.get(email=EMAIL)
    visitor.set_password(PASSWORD)
    visitor.save()
    others = get_user_model().objects.exclude(pk=visitor.pk).order_by("pk")
    for number, other in enumerate(others[:OPENED]):
        opened = downloads.objects.create(profile=visitor.profile, member=other)
        downloads.objects.filter(pk=opened.pk).update(
            opened_at=visitor.date_joined - timedelta(hours=number)
        )
    client = Client()
    client.force_login(visitor, settings.AUTHENTICATION_BACKENDS[0])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as autovacuum would have, in a database in use
    client.get("/me/edit/", secure=True, headers={"host": settings.ALLOWED_HOSTS[0]})
    cookies = [f"{name}={morsel.value}" for name, morsel in client.cookies.items()]
    visited = others[members // 2]
    print(json.dumps({"cookie": "; ".join(cookies), "pk": visited.profile.pk}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), "indexed" in sys.argv)
