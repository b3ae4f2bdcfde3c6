"""Runs of sweep_media, and what the storages hold."""

import gc
import inspect
import io
import types

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db.models.sql.compiler import cursor_iter

from portal.files import sweeping
from portal.files.storages import public_media

PROFILE_FILES = {
    "default": ["avatar", "avatar_small"],
    "protected": ["resume", "resume_picture"],
}


def sweep_media(*arguments) -> str:
    out = io.StringIO()
    call_command("sweep_media", *arguments, stdout=out)
    return out.getvalue()


def stored() -> list[str]:
    """The names of all files, of both storages."""
    return [
        f"{alias} {file.name}"
        for alias in ("default", "protected")
        for file in sweeping.listing(storages[alias])
    ]


def named(*users) -> list[str]:
    """The names of the files that these users' profiles name, of both storages."""
    return sorted(
        f"{alias} {getattr(user.profile, field).name}"
        for user in users
        for alias, fields in PROFILE_FILES.items()
        for field in fields
    )


def add_orphan(name="avatars/orphan.webp", storage=None):
    return (storage or public_media()).save(name, ContentFile(b"x"))


def open_queries() -> list:
    """The queries that still have rows to read; at the end of a process SQLite complains."""
    return [
        each
        for each in gc.get_objects()
        if type(each) is types.GeneratorType  # isinstance() asks weak references for their object
        and each.gi_code is cursor_iter.__code__
        and inspect.getgeneratorstate(each) != inspect.GEN_CLOSED
    ]
