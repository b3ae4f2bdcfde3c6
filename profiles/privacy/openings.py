"""How long the record of opened resumes is kept."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from profiles.models import ResumeDownload


def delete_old() -> str:
    """Delete what was recorded more than OPENINGS_KEPT_DAYS ago."""
    before = timezone.now() - timedelta(days=settings.OPENINGS_KEPT_DAYS)
    count, _ = ResumeDownload.objects.filter(opened_at__lt=before).delete()
    return f"{count} openings removed"
