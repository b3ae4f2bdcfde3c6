"""What an avatar is: a photo of any common kind, turned into small upright WebP squares."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.utils.translation import gettext_lazy as _

from portal.files.fields import Cleaned, CleanedFileField, check_size

from . import sandbox

REFUSALS = {
    "not_a_photo": _(
        "This is not a photo that we can read. Please choose a JPEG, PNG, WebP, HEIC, AVIF or"
        " GIF file."
    ),
    "too_many_pixels": _(
        "This photo has more pixels than we can open. Please save it in a smaller size, or as"
        " JPEG, and choose that file."
    ),
    "too_small": _("This photo is too small. Please choose one of at least 64 by 64 pixels."),
    "cut_off": _("This photo is cut off. Please choose the original file."),
    "damaged": _("This photo is damaged. Please choose the original file."),
    "too_complex": _(
        "This photo takes too much work to open. Please save it as JPEG and choose that file."
    ),
}


class AvatarField(CleanedFileField):
    """A photo, stored as a square WebP of at most ``AVATAR_PIXELS`` a side.

    ``small`` names the field that keeps the same square at ``AVATAR_SMALL_PIXELS``, for lists.
    """

    extension = ".webp"
    content_type = "image/webp"
    # HEIC is accepted and not named: an iPhone then converts its photos to JPEG before it sends
    # them, which decode in a tenth of the time.
    accept = "image/jpeg,image/png,image/gif,image/webp,image/avif"

    def __init__(self, *args, small=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.small = small

    def companions(self):
        return [self.small] if self.small else []

    def clean_upload(self, file, **choices):
        large, small = clean_avatar(
            file,
            max_bytes=settings.AVATAR_MAX_BYTES,
            sizes=(settings.AVATAR_PIXELS, settings.AVATAR_SMALL_PIXELS),
            **choices,
        )
        return Cleaned(large, {self.small: small} if self.small else {})


def small_avatar(file: File) -> File:
    """Return the small square of an avatar that is stored already, whatever may be uploaded now."""
    return clean_avatar(file, max_bytes=file.size, sizes=(settings.AVATAR_SMALL_PIXELS,))[0]


def clean_avatar(
    file: File, *, max_bytes: int, sizes: tuple[int, ...] = (512, 96), crop: dict | None = None
) -> list[File]:
    """Return a photo as upright WebP squares of at most these numbers of pixels a side.

    Nothing of the original but its pixels gets through: no EXIF, no place, nothing behind the end.
    Of an animation it is the first frame. A photo smaller than a size is not enlarged. The square
    is the middle of the photo, or what `crop` says: {"x", "y": 0 to 1 (where the square lies
    between the edges), "side": 0 to 1 (of the short side), "turn": 0, 90, 180 or 270 degrees}.

    Raises ValidationError with the code ``empty``, ``too_large`` or one of ``REFUSALS``.
    """
    check_size(file, max_bytes)
    photo = sandbox.parse("photo_child", file, sizes=sizes, crop=crop)
    if (verdict := photo.report["verdict"]) != "good":
        raise ValidationError(REFUSALS[verdict], code=verdict)
    return [photo.parts[f"{size}.webp"] for size in sizes]
