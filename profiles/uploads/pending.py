"""Files that are being stored, written down before they are: a killed process leaves no other.

A file is stored before the row that names it is committed. Whoever stores one first commits a
PendingFile, and deletes it in the transaction that names the file. What is left after that by a
process that was killed is deleted by the nightly command.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.apps import apps
from django.core.files import File
from django.db import Error, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.files.references import named_among
from portal.postgresql.release import release_connection
from portal.s3.errors import StorageError, is_answer

STORING_TIME = timedelta(hours=1)  # longer than any request or command stores the files of a row


class PendingFile(models.Model):
    """A file that a process began to store, and that perhaps no row names yet."""

    field = models.CharField(max_length=100)  # the FileField's label, which leads to its storage
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("pending file")
        verbose_name_plural = _("pending files")

    def __str__(self):
        return self.name

    @property
    def storage(self):
        label, _, name = self.field.rpartition(".")
        return apps.get_model(label)._meta.get_field(name).storage

    def settle(self):
        """Delete the file unless a row names it, and then this row. Raises OSError."""
        if self.name not in named_among(self.storage, [self.name]):
            self.storage.delete(self.name)
        self.delete()


@contextmanager
def stored_files(row: models.Model, contents: dict[str, File]) -> Iterator[None]:
    """Store files under new names and set them in `row`, which the block has to save.

    `contents` has a file for each name of a field. The block runs in a transaction; if it raises,
    the files are deleted. To be called outside of transactions.
    """
    fields = {name: row._meta.get_field(name) for name in contents}
    pending = {
        name: PendingFile(field=str(field), name=field.generate_filename(row, contents[name].name))
        for name, field in fields.items()
    }
    PendingFile.objects.bulk_create(pending.values())
    release_connection()  # uploads have more threads than there are connections to spare
    stored = []
    try:
        for name, file in contents.items():
            setattr(row, name, fields[name].storage.save(pending[name].name, file))
            stored.append(pending[name])
        with transaction.atomic():
            yield
            PendingFile.objects.filter(pk__in=[each.pk for each in stored]).delete()
    except BaseException as error:
        # A storage that does not answer would not answer to this either, and take as long again.
        if not isinstance(error, StorageError) or is_answer(error):
            with suppress(OSError, Error):
                for each in stored:
                    each.settle()
        raise


def delete_abandoned() -> int:
    """Delete the files that no row has come to name; returns how many rows were settled.

    Raises OSError for the first that could not be deleted, after the others.
    """
    settled, errors = 0, []
    for each in PendingFile.objects.filter(started_at__lte=timezone.now() - STORING_TIME):
        try:
            each.settle()
            settled += 1
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return settled
