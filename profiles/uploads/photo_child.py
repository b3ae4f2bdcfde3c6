"""Makes small upright WebP squares of a photo of any common kind.

sandbox.py starts this program; the request is {"sizes": [512, 96], "crop": {...} or null}, or
{"sizes": [640], "whole": true} for a picture that keeps its shape.
"""

import json
import sys
from io import BytesIO

sys.path[:0] = sys.argv[2:]

import copy  # noqa: F401 (imported by Pillow when it reads a GIF: too late for a confined process)

from confinement import MEGABYTE, confine, report
from photo_bytes import (
    JPEG_END,
    Refused,
    essential_png,
    is_cut_off,
    is_nearly_whole,
    last_detail,
    load_codecs,
    refuse_large_webp,
    refuse_repeated_parts,
)
from PIL import (
    ExifTags,
    Image,
    ImageCms,
    TiffImagePlugin,  # noqa: F401 (reads Exif)
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401 (registers WebP, which every photo is written as)
)

CPU_SECONDS = 1.9
MEMORY_BYTES = 270 * MEGABYTE
OUTPUT_BYTES = 4 * MEGABYTE
MIN_SIDE_PIXELS = 64  # anything smaller is a smudge on the profile page
WEBP_QUALITY = 82
BAND_ROWS = 64

# Bytes that decoding takes for each pixel, measured; what does not fit is refused by its header.
PIXEL_BUDGET_BYTES = 220 * MEGABYTE
COSTS = {"JPEG": 0.25, "MPO": 0.25, "PNG": 5, "GIF": 5, "WEBP": 13, "AVIF": 9, "HEIF": 9}
BYTES_PER_PIXEL = 4  # of a decoded one, as Pillow keeps them
MAX_DIVISOR = 8
PROGRESSIVE_COST = 3.2  # held whole, in coefficients

MAX_EXIF_BYTES = 1_000_000  # Pillow makes an object of each number in it; cameras write 64 kB
MAX_ICC_BYTES = 1_000_000

UPRIGHT = {  # by Exif orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNS = {  # clockwise, in degrees
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
# Where a square was, between the edges (0 to 1), before the picture was transposed.
BEFORE = {
    Image.Transpose.FLIP_LEFT_RIGHT: lambda x, y: (1 - x, y),
    Image.Transpose.ROTATE_180: lambda x, y: (1 - x, 1 - y),
    Image.Transpose.FLIP_TOP_BOTTOM: lambda x, y: (x, 1 - y),
    Image.Transpose.TRANSPOSE: lambda x, y: (y, x),
    Image.Transpose.ROTATE_270: lambda x, y: (y, 1 - x),
    Image.Transpose.TRANSVERSE: lambda x, y: (1 - y, 1 - x),
    Image.Transpose.ROTATE_90: lambda x, y: (1 - y, x),
}

# What Pillow raised when it was fed half a million broken pictures (and, by its source, EOFError).
BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError)


def main():
    request = json.loads(sys.argv[1])
    upload = [sys.stdin.buffer.read()]
    formats = load_codecs(upload[0])
    confine(cpu_seconds=CPU_SECONDS, memory_bytes=MEMORY_BYTES, output_bytes=OUTPUT_BYTES)
    try:
        photos = made(upload.pop(), formats, **request)
    except Refused as refused:
        report(verdict=refused.args[0])
    except MemoryError:
        report(verdict="too_complex")
    except BROKEN_IMAGE as error:
        report(verdict=verdict_of(error))
    else:
        report(photos, verdict="good")


def verdict_of(error):
    """Return the verdict for what a library says in its own words."""
    words = str(error).lower()
    if "memory" in words:
        return "too_complex"
    # AVIF in colours that the library does not convert: a whole photo, for others to show.
    return "not_a_photo" if "conversion from yuv" in words else "damaged"


def made(data, formats, sizes, crop=None, whole=False):
    """Return the pictures by their names. Raises Refused, or whatever Pillow raises."""
    if not formats:
        raise Refused("not_a_photo")
    if formats == ["PNG"]:
        data = essential_png(data)
    elif formats == ["JPEG"]:
        refuse_repeated_parts(data)
    elif formats == ["WEBP"]:
        refuse_large_webp(data, PIXEL_BUDGET_BYTES // COSTS["WEBP"])
    size = max(sizes)
    image = opened(data, formats, size, crop)
    if is_drafted(image) and (end := last_detail(data)):
        # The square has a quarter of the photo's height: WebP loses 50 times as much as this.
        data = data[:end] + JPEG_END
        image = opened(data, formats, size, crop)
    frame = missing_frame(image)
    if not loaded(image, data):
        if not is_nearly_whole(data, image):
            raise Refused("cut_off" if is_cut_off(data) else "damaged")
        image = opened(data + JPEG_END, formats, size, crop)
        image.load()
    picture = uncut(image, size, frame) if whole else cut(image, size, crop, frame)
    photos = {}
    for each in sizes:
        webp = BytesIO()
        within(picture, each).save(webp, "WEBP", quality=WEBP_QUALITY, method=4)
        photos[f"{each}.webp"] = webp.getvalue()
    return photos


def opened(data, formats, size, crop):
    """Return the photo, its pixels not yet decoded, if it is one and small enough to be."""
    try:
        image = Image.open(BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        raise Refused("not_a_photo") from None
    refuse_costly(image)
    image.draft("RGB", draft_size(image, size, crop))
    return image


def refuse_costly(image):
    """Refuse by what the header says, before memory is taken for any pixel."""
    is_progressive = image.format in {"JPEG", "MPO"} and "progressive" in image.info
    cost = PROGRESSIVE_COST if is_progressive else COSTS[image.format]
    if image.mode == "CMYK":
        cost *= 4 / 3
    if image.width * image.height * cost > PIXEL_BUDGET_BYTES:
        raise Refused("too_many_pixels")
    if min(image.size) < MIN_SIDE_PIXELS:
        raise Refused("too_small")


def draft_size(image, size, crop):
    """The least size to decode a JPEG at: the square that is cut has twice its final side.

    Where it was cut out of so large a photo that not even that fits, it is decoded smaller.
    """
    share = crop["side"] if crop else 1
    scale = size * 2 / (min(image.size) * share)
    pixels, room = image.width * image.height, PIXEL_BUDGET_BYTES
    if "progressive" in image.info:
        room -= pixels * PROGRESSIVE_COST
    divisor = 1  # JPEG can be decoded at a half, a quarter and an eighth
    while divisor < MAX_DIVISOR and pixels * BYTES_PER_PIXEL > room * divisor**2:
        divisor *= 2
    scale = min(scale, 1 / divisor)
    return (int(image.width * scale) or 1, int(image.height * scale) or 1)


def is_drafted(image):
    """Return True for a progressive JPEG that is decoded at a half of its size, or less."""
    return "progressive" in image.info and bool(image.tile) and image.decoderconfig[0] > 1


def missing_frame(image):
    """The part of a GIF's canvas that its first frame fills, unless that is all of it."""
    if image.format != "GIF" or not image.tile:
        return None
    box = tuple(image.tile[0][1])
    return None if box == (0, 0, *image.size) else box


def loaded(image, data):
    """Decode the pixels; returns False for a JPEG whose pixels end too early."""
    try:
        image.load()
    except OSError as error:
        if "truncated" not in str(error):
            raise
        if image.format not in {"JPEG", "MPO"}:
            raise Refused("cut_off" if is_cut_off(data) else "damaged") from error
        return False
    return True


def cut(image, size, crop, frame):
    """Return the square: the middle, or what the person chose, upright and in sRGB."""
    turns = [UPRIGHT.get(orientation_of(image)), TURNS.get(crop["turn"] if crop else 0)]
    turns = [turn for turn in turns if turn is not None]
    x, y = (crop["x"], crop["y"]) if crop else (0.5, 0.5)
    for turn in reversed(turns):
        x, y = BEFORE[turn](x, y)
    short = min(image.size)
    side = max(1, round(short * crop["side"])) if crop else short
    left, top = round((image.width - side) * x), round((image.height - side) * y)
    square = reduced(image, (left, top, left + side, top + side), size, frame)
    for turn in turns:
        square = square.transpose(turn)
    final = min(side, size)
    return in_srgb(square.resize((final, final), Image.Resampling.LANCZOS), image)


def uncut(image, size, frame):
    """Return the whole picture, upright and in sRGB."""
    picture = reduced(image, (0, 0, *image.size), size, frame)
    if turn := UPRIGHT.get(orientation_of(image)):
        picture = picture.transpose(turn)
    return in_srgb(within(picture, size), image)


def within(picture, size):
    """Return a picture that is at most so many pixels wide and high, in its own shape."""
    scale = min(1, size / max(picture.size))
    wanted = [max(1, round(side * scale)) for side in picture.size]
    return picture.resize(wanted, Image.Resampling.LANCZOS)


def reduced(image, box, size, frame):
    """Return a part of the picture, opaque, at the smallest scale that still does.

    Worked through in bands of rows, since a second copy of 25 megapixels would be 100 MB more.
    """
    left, top, right, bottom = box
    factor = max(1, max(right - left, bottom - top) // (size * 2))
    rows = BAND_ROWS * factor
    mode = {"CMYK": "CMYK", "L": "L", "LA": "L", "1": "L", "I;16": "L"}.get(image.mode, "RGB")
    small = Image.new(mode, (-(-(right - left) // factor), -(-(bottom - top) // factor)))
    for y in range(top, bottom, rows):
        band = image.crop((left, y, right, min(y + rows, bottom)))
        band = opaque(band, frame, left, y).convert(mode)
        small.paste(band.reduce(factor), (0, (y - top) // factor))
    return small


def opaque(band, frame, left, top):
    """Return a band on white; `frame` is the part of the canvas that has pixels, if not all has."""
    if band.mode == "I;16":  # 16 bits of grey, which Pillow would clip at 255
        return band.point(lambda value: value * (1 / 257)).convert("L")
    if frame:
        box = (
            max(frame[0] - left, 0),
            max(frame[1] - top, 0),
            min(frame[2] - left, band.width),
            min(frame[3] - top, band.height),
        )
        canvas = Image.new("RGBA", band.size, (0, 0, 0, 0))
        if box[0] < box[2] and box[1] < box[3]:
            canvas.paste(band.convert("RGBA").crop(box), box[:2])
        band = canvas
    if not band.has_transparency_data:
        return band
    white = Image.new("RGBA", band.size, "white")  # reads well in light and in dark
    return Image.alpha_composite(white, band.convert("RGBA"))


def orientation_of(original):
    """The Exif orientation; what is not understood about a good photo is no reason to refuse it."""
    if len(original.info.get("exif") or b"") > MAX_EXIF_BYTES:
        return None
    try:
        return original.getexif().get(ExifTags.Base.Orientation)
    except (*BROKEN_IMAGE, TypeError):
        return None


def in_srgb(square, original):
    """Convert from the colour profile of the original, if it has one that makes sense."""
    icc = original.info.get("icc_profile") or b""
    # b"mpet": steps without end, gone through for each colour: 300 kB take 10 s.
    if isinstance(icc, bytes) and 0 < len(icc) <= MAX_ICC_BYTES and b"mpet" not in icc:
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(square, profile, srgb, outputMode="RGB")
        except (TypeError, OSError, ImageCms.PyCMSError):
            pass
    return square.convert("RGB")


if __name__ == "__main__":
    main()
