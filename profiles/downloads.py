"""The record of opened resumes."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class ResumeDownload(models.Model):
    """A record that a member opened a resume; the resume's owner can see it."""

    profile = models.ForeignKey(
        "profiles.Profile",
        on_delete=models.CASCADE,
        related_name="downloads",
        verbose_name=_("profile"),
    )
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="resume_downloads",
        verbose_name=_("member"),
    )
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("resume download")
        verbose_name_plural = _("resume downloads")
        ordering = ["-opened_at", "-pk"]
        indexes = [models.Index(fields=["profile", "-opened_at"], name="downloads_by_profile")]

    def __str__(self):
        names = {"reader": self.member or gettext("A former member"), "owner": self.profile}
        return gettext("%(reader)s opened the resume of %(owner)s") % names

    @property
    def shown_profile(self) -> models.Model | None:
        """The profile of who opened it; None if they have left, or are leaving."""
        return self.member.profile if self.member and not self.member.leaves_at else None
