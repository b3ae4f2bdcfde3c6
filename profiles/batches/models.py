"""Files by the hundred: what one of the staff has chosen, and for whom each is."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.sentences.stored import shown
from profiles.models import Profile
from profiles.uploads.stored import MAX_FILENAME, StoredUpload


class How(models.TextChoices):
    """How sure it is for whom a file is."""

    CERTAIN = "certain", _("by its name")
    LIKELY = "likely", _("by part of its name: please look")
    AMBIGUOUS = "ambiguous", _("several members have this name")
    NOBODY = "nobody", _("no member has this name")
    CHOSEN = "chosen", _("as you have chosen")


class BatchFileQuerySet(models.QuerySet):
    def kept(self, owner):
        """The files that this person has chosen within the time for which uploads are kept."""
        return self.filter(~self.expired_condition(), owner=owner).order_by("pk")

    def expired(self):
        """Refused files whose report nobody needs any more; the others go with their upload."""
        return self.filter(self.expired_condition(), upload=None)

    @staticmethod
    def expired_condition() -> Q:
        now = timezone.now()
        kept = now - timedelta(seconds=settings.UPLOAD_KEPT_SECONDS)
        return Q(upload__expires_at__lte=now) | Q(upload=None, created_at__lte=kept)


class BatchFile(models.Model):
    """One file: stored and matched with a member, or refused and why. Nothing is saved by it."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batch_files"
    )
    upload = models.OneToOneField(StoredUpload, on_delete=models.CASCADE, null=True)
    filename = models.CharField(max_length=MAX_FILENAME)
    refusal = models.TextField(blank=True)  # see portal/sentences/stored.py
    profile = models.ForeignKey(Profile, on_delete=models.SET_NULL, null=True, related_name="+")
    how = models.CharField(max_length=10, choices=How, blank=True)
    candidates = models.JSONField(default=list)  # of several: the profiles' numbers
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BatchFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch file")
        verbose_name_plural = _("batch files")
        default_permissions = ()

    def __str__(self):
        return self.filename

    @property
    def shown_refusal(self) -> str:
        """Why the file is refused, in the active language."""
        return shown(self.refusal)

    @property
    def replaces(self) -> bool:
        """Return True if the member has such a file already."""
        return bool(self.profile and self.upload and getattr(self.profile, self.upload.purpose))


def delete_old_reports() -> str:
    """Delete the reports of refused files, an hour after."""
    count, _ = BatchFile.objects.expired().delete()
    return f"{count} reports of refused files removed"
