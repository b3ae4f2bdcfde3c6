"""The rule for a logo: a picture of any common kind, turned into a small WebP in its own shape."""

from django.conf import settings
from django.core.exceptions import ValidationError

from portal.files.fields import Cleaned, CleanedFileField, check_size
from profiles.uploads import sandbox
from profiles.uploads.avatars import REFUSALS
from profiles.uploads.forms import BUSY
from profiles.uploads.turns import Busy

LOGO_PIXELS = 640  # the longer side


class LogoField(CleanedFileField):
    """A picture, stored as WebP, whole, at most ``LOGO_PIXELS`` wide and high.

    No SVG: it may hold scripts, and would be served from the address of people's photos.
    """

    extension = ".webp"
    content_type = "image/webp"
    accept = "image/png,image/jpeg,image/webp,image/gif,image/avif"

    def clean_upload(self, file, **choices):
        check_size(file, settings.AVATAR_MAX_BYTES)
        try:
            logo = sandbox.parse("photo_child", file, sizes=[LOGO_PIXELS], whole=True)
        except Busy:
            raise ValidationError(BUSY, code="busy") from None
        if (verdict := logo.report["verdict"]) != "good":
            raise ValidationError(REFUSALS[verdict])
        return Cleaned(logo.parts[f"{LOGO_PIXELS}.webp"])
