"""A member's data as a ZIP archive: a readable JSON file, the photo and the resume.

It is made while the member waits, because it is never large: a resume of at most RESUME_MAX_BYTES,
two photos, and rows that are read a few at a time. It is written to a temporary file first, so that
a storage that does not answer becomes a page in plain words, and no broken archive.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import PurePath
from typing import BinaryIO

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.postgresql.release import release_connection
from profiles.models import Profile, ResumeDownload

from .about import TABLES, Given, rows_about

ROWS_AT_ONCE = 500
FILES = {"avatar": "photo", "resume": "resume"}  # the profile's fields, and names in the archive
README = _(
    "This is what the portal holds about you: all of it but passwords, keys and numbers.\n"
    "data.json can be read in any editor. Times are those of UTC. Where a\n"
    "member is null, you may not see who it was, or they have left.\n"
)


def archive_name(user) -> str:
    """Return the file name to save an archive under."""
    return f"my-data-{timezone.now():%Y-%m-%d}.zip"


def archive_of(user) -> BinaryIO:
    """Return the archive as an open temporary file, at its beginning.

    Raises StorageError if the storage does not answer. A file that is missing is left out, and
    data.json says so.
    """
    with ExitStack() as undo:
        output = undo.enter_context(tempfile.TemporaryFile())
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", str(README))
            # Without a transaction, a pool (pgbouncer) loses the rows after the first.
            with archive.open("data.json", "w") as entry, transaction.atomic():
                for line in json_lines(user):
                    entry.write(line.encode())
            files = [getattr(user.profile, field) for field in FILES]
            release_connection()  # reading the files takes long, and needs no database
            for stored, name in zip(files, FILES.values(), strict=True):
                if stored:
                    write_file(archive, stored, f"{name}{PurePath(stored.name).suffix}")
        output.seek(0)
        undo.pop_all()
    return output


def write_file(archive: zipfile.ZipFile, stored, name: str) -> None:
    """Write a stored file into the archive, compressed already as it is."""
    try:
        content = stored.storage.open(stored.name)
    except FileNotFoundError:
        archive.writestr(
            f"{name} is missing.txt", gettext("The portal cannot find this file.") + "\n"
        )
        return
    with content, archive.open(zipfile.ZipInfo(name), "w") as entry:
        for chunk in content.chunks():
            entry.write(chunk)


def json_lines(user) -> Iterator[str]:
    """Yield a JSON object with a list for each table, a row in a line."""
    yield "{"
    for number, (title, rows) in enumerate(tables_of(user)):
        yield f"{',' if number else ''}\n{json.dumps(title)}: ["
        for index, row in enumerate(rows):
            line = json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
            yield f"{',' if index else ''}\n  {line}"
        yield "\n]"
    yield "\n}\n"


def tables_of(user) -> Iterator[tuple[str, Iterator[dict]]]:
    """Yield a title and the rows of each table that a member is given."""
    for label, given in TABLES.items():
        model = apps.get_model(label)
        if model is ResumeDownload:
            yield "who opened your resume", openings(user, user.profile.downloads, "member")
            yield "resumes that you opened", openings(user, user.resume_downloads, "profile")
        elif isinstance(given, Given):
            yield given.title, rows_of(user, model, given)


def rows_of(user, model, given: Given) -> Iterator[dict]:
    columns = given.columns.split()
    for row in rows_about(user, model).order_by("pk").iterator(ROWS_AT_ONCE):
        yield {name: shown(getattr(row, name)) for name in columns}


def shown(value):
    """Return a related row as text, anything else as it is."""
    return str(value) if hasattr(value, "_meta") else value


def openings(user, downloads, other: str) -> Iterator[dict]:
    """Yield openings with the other's name, as far as the member may see the other."""
    owner = "member__profile" if other == "member" else "profile"
    visible = Profile.objects.visible_to(user).filter(pk=OuterRef(owner))
    rows = downloads.annotate(is_visible=Exists(visible)).order_by("pk")
    values = rows.values_list("opened_at", "is_visible", f"{owner}__name")
    for opened_at, is_visible, name in values.iterator(chunk_size=ROWS_AT_ONCE):
        yield {"opened_at": opened_at, other: name if is_visible else None}
