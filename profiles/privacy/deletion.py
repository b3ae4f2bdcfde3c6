"""Deletes members whose date to leave has come, with their files, and keeps them deleted.

A backup of the database is of a day before somebody left. So each deleted account leaves an empty
file in the protected storage, named after a digest; every night, an account with the digest of
such a file is deleted again. The digest is of the account's number and the moment that it was made:
it tells nobody's name or address, needs no key that might be changed, and somebody who is invited
anew has another.
"""

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC

from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from portal.files.references import file_fields
from portal.files.storages import protected_media
from portal.outbox.models import OutgoingMessage
from portal.s3.errors import storage_errors
from profiles.directory.indexing import forget_unused_words
from profiles.models import PendingFile, Profile, StoredUpload, User

from .about import TABLES, Given, about_account, addresses, rows_about
from .leaving import is_last_superuser
from .models import Departure

logger = logging.getLogger(__name__)

FOLDER = "departures"


class NotDeleted(Exception):
    """A member is still there, and is tried again in the next night."""


def delete_leavers() -> str:
    """Delete everybody whose date has come, and whom a backup has brought back; return a report."""
    read_records()
    deleted = failed = 0
    for pk in due_members():
        try:
            deleted += delete_member(pk)
        except (OSError, NotDeleted) as error:  # OSError: the storage does not answer
            failed += 1
            logger.error("A member who has left could not be deleted yet: %s", error)
    if deleted:
        forget_unused_words()  # their names are among the words that typos are compared with
    if failed:
        raise NotDeleted(f"{deleted} members deleted; {failed} tried again in the next night")
    return f"{deleted} members deleted"


def due_members() -> list[int]:
    """The keys of members whose date has come, and of those whom a backup has brought back."""
    due = list(User.objects.filter(leaves_at__lte=timezone.now()).values_list("pk", flat=True))
    departed = set(Departure.objects.values_list("digest", flat=True))
    if departed:
        accounts = User.objects.values_list("pk", "date_joined").iterator()
        due += [pk for pk, joined in accounts if digest(pk, joined) in departed]
    return list(dict.fromkeys(due))  # a backup may bring one back whose date has come


def digest(pk: int, date_joined) -> str:
    """Return what an account is recognised by after it was deleted."""
    moment = date_joined.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(f"{pk}:{moment}".encode()).hexdigest()


def delete_member(pk: int) -> bool:
    """Delete a member with all rows; returns False if they have come back in the meantime.

    The files are written down as pending in the same transaction, so that they are deleted even if
    this process is killed after the commit, or the storage refuses. Raises NotDeleted for the last
    superuser.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=pk).first()
        if user is None or not is_due(user):
            return False
        if is_last_superuser(user):
            raise NotDeleted("it is the only superuser")
        # Whoever saves the profile or names an upload at this moment is waited for.
        list(Profile.objects.select_for_update().filter(user=user))
        list(StoredUpload.objects.select_for_update().filter(owner=user))
        departure, _ = Departure.objects.get_or_create(digest=digest(user.pk, user.date_joined))
        departure.record.name = written_record(departure.digest)
        departure.save()
        files = PendingFile.objects.bulk_create(files_of(user))
        delete_traces(user)
        user.delete()
    for file in files:  # django-cleanup has deleted most of them, and reports no failure
        try:
            file.settle()
        except OSError as error:
            logger.error("A file of a deleted member is deleted in the next night: %s", error)
    return True


def is_due(user) -> bool:
    has_come = user.leaves_at is not None and user.leaves_at <= timezone.now()
    departed = Departure.objects.filter(digest=digest(user.pk, user.date_joined))
    return has_come or departed.exists()


def files_of(user) -> Iterator[PendingFile]:
    """Yield each file that a row about a user names, to be deleted."""
    for model, field in file_fields():
        if isinstance(TABLES[model._meta.label], Given):
            for name in rows_about(user, model).values_list(field.name, flat=True):
                if name:
                    yield PendingFile(field=str(field), name=name)


def delete_traces(user) -> None:
    """Delete what refers to a user by no key: messages, sessions, and words in the admin's log."""
    OutgoingMessage.objects.filter(to__in=addresses(user)).delete()
    sessions = UserSession.objects.filter(user=user).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(sessions)).delete()
    LogEntry.objects.filter(about_account(user)).update(object_repr="", change_message="")


def read_records() -> None:
    """Make rows of records that the database does not know, and write records that are missing."""
    storage = protected_media()
    try:
        with storage_errors("list", FOLDER, storage):
            there = set(storage.listdir(FOLDER)[1])
    except FileNotFoundError:  # a folder on a disk, before anybody has left
        there = set()
    known = set(Departure.objects.values_list("digest", flat=True))
    for name in there - known:
        if len(name) == 64:
            Departure.objects.create(digest=name, record=f"{FOLDER}/{name}")
    for name in known - there:
        written_record(name)


def written_record(name: str) -> str:
    """Store a record unless it is there; returns its name in the storage."""
    storage, path = protected_media(), f"{FOLDER}/{name}"
    if not storage.exists(path):
        storage.save(path, ContentFile(b""))
    return path
