"""The list of members who have left, which holds nothing that tells who they were."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.files.storages import protected_media


class Departure(models.Model):
    """A deleted account, so that a restored backup does not bring it back.

    The record is an empty file in the protected storage, with the same digest for a name: it is
    there after the database is one of last month. This row keeps sweep_media from deleting it.
    """

    digest = models.CharField(max_length=64, unique=True, editable=False)
    record = models.FileField(
        storage=protected_media, upload_to="departures", max_length=200, editable=False
    )
    left_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("departure")
        verbose_name_plural = _("departures")

    def __str__(self):
        return self.digest[:12]
