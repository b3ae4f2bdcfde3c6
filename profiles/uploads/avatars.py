"""What an avatar is: a photo of any common kind, turned into one small upright WebP square."""

import re
import threading
import warnings
from io import BytesIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from portal.files.fields import CleanedFileField, check_size

# No AVIF: 3 kB of it can hold a frame of 268 megapixels, whatever its header says, and Pillow would
# take a gigabyte to decode it.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
MIN_SIDE_PIXELS = 64  # anything smaller is a smudge on the profile page
WEBP_QUALITY = 82

# Decoding the largest photo takes up to 200 MB, and a dyno has 512: one at a time in each process.
one_decode = threading.Lock()
BAND_ROWS = 256

# Both are for the whole process; Pillow has no switch for a single picture.
PngImagePlugin.MAX_TEXT_MEMORY = 4 * 1024 * 1024  # bytes of notes in a PNG; Pillow keeps 64 MB
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

# A small file can ask for hours of work: 42 bytes more are one more JPEG scan, 20 ms each; a PNG
# may unpack 10,000 colour profiles; and a million empty parts are a million turns of a loop.
REPEATABLE = (  # how a file begins, and what it repeats
    (b"\xff\xd8", re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e][\1-\4]")),  # scans, of 1 to 4 colours
    (b"\xff\xd8", re.compile(rb"Exif\0\0")),  # Pillow joins the parts, one after the other
    (b"\x89PNG", re.compile(rb"iCCP")),
)
MAX_REPEATS = 60  # progressive JPEGs have about 10 scans
MAX_EXIF_BYTES = 1_000_000  # Pillow makes an object of each number in it; cameras write 64 kB
MAX_READS = 20_000  # 15 MB of PNG in the usual 8 kB parts are read in 6,000

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow raised when it was fed half a million broken pictures (and, by its source, EOFError).
BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError)


class AvatarField(CleanedFileField):
    """A photo, stored as a square WebP of at most ``AVATAR_PIXELS`` a side."""

    extension = ".webp"
    content_type = "image/webp"
    # HEIC is left out on purpose: an iPhone then converts its photos to JPEG by itself.
    accept = "image/jpeg,image/png,image/gif,image/webp"

    def clean_upload(self, file):
        return clean_avatar(
            file,
            max_bytes=settings.AVATAR_MAX_BYTES,
            max_pixels=settings.AVATAR_MAX_PIXELS,
            size=settings.AVATAR_PIXELS,
        )


def clean_avatar(file: File, *, max_bytes: int, max_pixels: int, size: int = 512) -> ContentFile:
    """Return the middle of a photo as an upright WebP square of at most ``size`` pixels a side.

    Nothing of the original but its pixels gets through: no EXIF, no place, nothing behind the end.
    Of an animation it is the first frame. A photo smaller than ``size`` is not blown up.

    Raises ValidationError with the code ``empty``, ``too_large``, ``not_a_photo``, ``heic``,
    ``too_many_pixels``, ``too_small``, ``cut_off`` or ``damaged``.
    """
    check_size(file, max_bytes)
    file.seek(0)
    data = file.read()
    with one_decode:
        square = decoded_square(data, max_pixels, size)
    webp = BytesIO()
    square.save(webp, "WEBP", quality=WEBP_QUALITY, method=4)
    return ContentFile(webp.getvalue(), name="avatar.webp")


def decoded_square(data, max_pixels, size):
    for start, part in REPEATABLE:
        if data.startswith(start) and sum(1 for _ in part.finditer(data)) > MAX_REPEATS:
            raise damaged()
    try:
        image = Image.open(FewReads(data), formats=FORMATS)
        check_pixels(image, max_pixels, size)
        image.draft("RGB", (size * 2, size * 2))  # a large JPEG need not be decoded in full
        image.load()
        if isinstance(image.info.get("transparency"), str):
            del image.info["transparency"]  # a note in a PNG that happens to have this name
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many_pixels(max_pixels) from error
    except UnidentifiedImageError as error:
        raise not_a_photo(data) from error
    except BROKEN_IMAGE as error:
        if "truncated" in str(error):
            raise ValidationError(
                "This photo is cut off. Please choose the original file.", code="cut_off"
            ) from error
        raise damaged() from error
    return upright(in_srgb(squared(image, size), image), image)


class FewReads(BytesIO):
    """A file that gives up on a picture made of too many parts."""

    reads = 0

    def read(self, size=-1):
        self.reads += 1
        if self.reads > MAX_READS:
            raise OSError("too many parts")
        return super().read(size)


def check_pixels(image, max_pixels, size):
    """Refuse by what the header says, before memory is taken for any pixel."""
    if is_costly(image, size):
        max_pixels //= 2
    if image.width * image.height > max_pixels:
        raise too_many_pixels(max_pixels)
    if min(image.size) < MIN_SIDE_PIXELS:
        raise ValidationError(
            "This photo is too small. Please choose one of at least %(side)s by %(side)s pixels.",
            code="too_small",
            params={"side": MIN_SIDE_PIXELS},
        )


def is_costly(image, size):
    """Whether decoding takes several whole copies of a picture, so that it may be half as large.

    A progressive JPEG is held whole, in coefficients, beside a picture that is not drafted small.
    """
    if "progressive" in image.info and image.format == "JPEG":
        return image.mode == "CMYK" or min(image.size) < size * 4
    return image.format == "WEBP"


def squared(image, size):
    """Return the middle of a picture as a square of at most ``size`` pixels, opaque, RGB or CMYK.

    Worked through in bands of rows, since a second copy of 25 megapixels would be 100 MB more.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    factor = max(1, side // (size * 2))
    rows = BAND_ROWS * factor
    mode = "CMYK" if image.mode == "CMYK" else "RGB"
    small = Image.new(mode, (-(-side // factor), -(-side // factor)))
    for y in range(0, side, rows):
        band = image.crop((left, top + y, left + side, top + min(y + rows, side)))
        small.paste(opaque(band).convert(mode).reduce(factor), (0, y // factor))
    return small.resize((min(side, size), min(side, size)), Image.Resampling.LANCZOS)


def opaque(image):
    if image.mode == "I;16":  # 16 bits of grey, which Pillow would clip at 255
        return image.point(lambda value: value * (1 / 257)).convert("L")
    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")  # reads well in light and in dark
    return Image.alpha_composite(white, image.convert("RGBA"))


def in_srgb(square, original):
    """Convert from the colour profile of the original, if it has one that makes sense."""
    try:
        icc = original.info["icc_profile"]
        if b"mpet" in icc:  # steps without end, gone through for each colour: 300 kB take 10 s
            return square.convert("RGB")
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(square, profile, srgb, outputMode="RGB")
    except (KeyError, TypeError, OSError, ImageCms.PyCMSError):
        return square.convert("RGB")


def upright(square, original):
    """Turn a picture the way that the EXIF data of its original asks for."""
    if len(original.info.get("exif") or b"") > MAX_EXIF_BYTES:
        return square
    try:
        orientation = original.getexif().get(ExifTags.Base.Orientation)
    except (*BROKEN_IMAGE, TypeError):
        return square  # what is not understood about a good picture is no reason to refuse it
    return square.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else square


def not_a_photo(data):
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand[:3] in (b"hei", b"hev") or brand in (b"mif1", b"msf1"):
        return ValidationError(
            "This is a HEIC photo, which most browsers cannot show. "
            "Please save it as JPEG and choose that file.",
            code="heic",
        )
    return ValidationError(
        "This is not a photo that we can read. Please choose a JPEG, PNG, GIF or WebP file.",
        code="not_a_photo",
    )


def too_many_pixels(max_pixels):
    return ValidationError(
        "This photo has more than %(megapixels).3g megapixels. Please choose a smaller one.",
        code="too_many_pixels",
        params={"megapixels": max_pixels / 1_000_000},
    )


def damaged():
    return ValidationError(
        "This photo is damaged. Please choose the original file.", code="damaged"
    )
