"""Makes small upright WebP squares of a photo of any common kind.

sandbox.py starts this program; the request is {"sizes": [512, 96], "crop": {...} or null}.
"""

import json
import re
import struct
import sys
import warnings
import zlib
from io import BytesIO

sys.path[:0] = sys.argv[2:]

import copy  # noqa: F401 (imported by Pillow when it reads a GIF: too late for a confined process)

from confinement import MEGABYTE, confine, report
from PIL import (
    ExifTags,
    Image,
    ImageCms,
    PngImagePlugin,
    TiffImagePlugin,  # noqa: F401 (reads Exif)
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401 (registers WebP, which every photo is written as)
)

CPU_SECONDS = 1.9
MEMORY_BYTES = 270 * MEGABYTE
OUTPUT_BYTES = 4 * MEGABYTE
MIN_SIDE_PIXELS = 64  # anything smaller is a smudge on the profile page
WEBP_QUALITY = 82
BAND_ROWS = 256

# Bytes that decoding takes for each pixel, measured; what does not fit is refused by its header.
PIXEL_BUDGET_BYTES = 220 * MEGABYTE
COSTS = {"JPEG": 0.25, "MPO": 0.25, "PNG": 5, "GIF": 5, "WEBP": 13, "AVIF": 9, "HEIF": 9}
PROGRESSIVE_COST = 3.2  # held whole, in coefficients

# A small file can ask for hours of work: 42 bytes more are one more JPEG scan, 20 ms each.
SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e][\1-\4]")
MAX_SCANS = 60  # progressive JPEGs have about 10
EXIF_PART = re.compile(rb"Exif\0\0")
MAX_EXIF_PARTS = 60  # Pillow joins them, one after the other
MAX_EXIF_BYTES = 1_000_000  # Pillow makes an object of each number in it; cameras write 64 kB
MAX_MISSING_SHARE = 0.03  # of the rows of a JPEG; decoding holds back a row of blocks
JPEG_END = b"\xff\xd9"
MAX_CHUNKS = 20_000  # 20 MB of PNG in the usual 8 kB parts are 2,500
MAX_ICC_BYTES = 1_000_000

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}  # needed for the pixels
PNG_KEPT_ONCE = {b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"eXIf"}  # for their colours and their way up

UPRIGHT = {
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

# What Pillow raised when it was fed half a million broken pictures (and, by its source, EOFError).
BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError)


class Refused(Exception):
    """The photo is refused; the first argument is the verdict."""


def main():
    request = json.loads(sys.argv[1])
    data = sys.stdin.buffer.read()
    formats = load_codecs(data)
    confine(cpu_seconds=CPU_SECONDS, memory_bytes=MEMORY_BYTES, output_bytes=OUTPUT_BYTES)
    try:
        photos, facts = made(data, formats, request["sizes"], request.get("crop"))
    except Refused as refused:
        report(verdict=refused.args[0])
    except MemoryError:
        report(verdict="too_complex")
    except BROKEN_IMAGE as error:
        is_memory = "memory" in str(error).lower()
        report(verdict="too_complex" if is_memory else "damaged")
    else:
        report(photos, verdict="good", **facts)


def load_codecs(data: bytes) -> list[str]:
    """Import what reads this kind of photo; returns Pillow's name for it."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # the budget decides
    PngImagePlugin.MAX_TEXT_MEMORY = MEGABYTE
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if data.startswith(b"\xff\xd8"):
        from PIL import JpegImagePlugin, MpoImagePlugin  # noqa: F401 (registers them)

        return ["JPEG"]
    if data.startswith(PNG_START):
        return ["PNG"]
    if data.startswith(b"GIF8"):
        from PIL import GifImagePlugin  # noqa: F401 (registers it)

        return ["GIF"]
    if data[8:12] == b"WEBP":
        return ["WEBP"]
    if brand in {b"avif", b"avis"} or (brand in {b"mif1", b"msf1"} and b"avif" in data[12:64]):
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        return ["AVIF"]
    if brand:
        import pi_heif

        pi_heif.register_heif_opener(
            decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
        )
        return ["HEIF"]
    return []


def made(data, formats, sizes, crop):
    """Return the squares by their names, and what was noticed about the photo."""
    if not formats:
        raise Refused("not_a_photo")
    if formats == ["PNG"]:
        data = essential_png(data)
    elif formats == ["JPEG"]:
        refuse_repeated_parts(data)
    size = max(sizes)
    image = opened(data, formats, size, crop)
    frame = missing_frame(image)
    is_whole = loaded(image)
    if not is_whole:
        if not is_nearly_whole(data, image):
            raise Refused("cut_off")
        image = opened(data + JPEG_END, formats, size, crop)
        image.load()
    square = cut(reduced(image, size, crop, frame), image, size, crop)
    photos = {}
    for each in sizes:
        side = min(square.width, each)
        webp = BytesIO()
        square.resize((side, side), Image.Resampling.LANCZOS).save(
            webp, "WEBP", quality=WEBP_QUALITY, method=4
        )
        photos[f"{each}.webp"] = webp.getvalue()
    return photos, {"is_whole": is_whole}


def opened(data, formats, size, crop):
    """Return the photo, its pixels not yet decoded, if it is one and small enough to be."""
    try:
        image = Image.open(BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        raise Refused("not_a_photo") from None
    refuse_costly(image)
    image.draft("RGB", draft_size(image, size, crop))
    return image


def refuse_repeated_parts(data):
    scans = sum(1 for _ in SCAN.finditer(data))
    parts = sum(1 for _ in EXIF_PART.finditer(data))
    if scans > MAX_SCANS or parts > MAX_EXIF_PARTS:
        raise Refused("damaged")


def essential_png(data):
    """Return a PNG without the chunks that no pixel needs, whatever is in them.

    A checksum that is wrong, a note of a gigabyte or 5,000 colour profiles are thereby no matter.
    """
    kept, position = [PNG_START], len(PNG_START)
    once = set(PNG_KEPT_ONCE)
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", data.ljust(position + 8, b"\0"), position)
        chunk = data[position : position + length + 12]
        position += length + 12
        if kind in PNG_KEPT:
            kept.append(chunk)
        elif kind in once and chunk[-4:] == struct.pack(">I", zlib.crc32(chunk[4:-4])):
            once.discard(kind)
            kept.append(chunk)
        if kind == b"IEND" or position >= len(data):
            return b"".join(kept)
    raise Refused("damaged")


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
    """The least size to decode a JPEG at: the square that is cut has twice its final side."""
    share = crop["side"] if crop else 1
    scale = size * 2 / (min(image.size) * share)
    return (round(image.width * scale), round(image.height * scale))


def missing_frame(image):
    """The part of a GIF's canvas that its first frame fills, unless that is all of it."""
    if image.format != "GIF" or not image.tile:
        return None
    box = tuple(image.tile[0][1])
    return None if box == (0, 0, *image.size) else box


def loaded(image):
    """Decode the pixels; returns False for a JPEG that ends too early."""
    try:
        image.load()
    except OSError as error:
        if "truncated" not in str(error):
            raise
        if image.format not in {"JPEG", "MPO"}:
            raise Refused("cut_off") from error
        return False
    return True


def is_nearly_whole(data, image):
    """Return True for a JPEG of which so little is missing that nobody would see it."""
    if "progressive" in image.info:  # the last scan to begin adds the last detail to the luminance
        *_, scan = SCAN.finditer(data)
        components = data[scan.end() - 1]
        first, *_ = ids = data[scan.end() : scan.end() + 2 * components : 2]
        _, last_band, bits = data[scan.end() + 2 * components :][:3]
        return len(ids) == 1 and first == 1 and last_band == 63 and bits & 15 == 0
    image.tile = []  # counts as loaded: rows that were not decoded are black
    box = image.convert("L").getbbox()
    return box is not None and image.height - box[3] <= image.height * MAX_MISSING_SHARE


def reduced(image, size, crop, frame):
    """Return the whole picture, opaque, at the smallest scale that still does for the square.

    Worked through in bands of rows, since a second copy of 25 megapixels would be 100 MB more.
    """
    share = crop["side"] if crop else 1
    factor = max(1, int(min(image.size) * share) // (size * 2))
    rows = BAND_ROWS * factor
    mode = {"CMYK": "CMYK", "L": "L", "LA": "L", "1": "L", "I;16": "L"}.get(image.mode, "RGB")
    small = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for y in range(0, image.height, rows):
        band = image.crop((0, y, image.width, min(y + rows, image.height)))
        small.paste(opaque(band, frame, y).convert(mode).reduce(factor), (0, y // factor))
    return small


def opaque(band, frame, y):
    if band.mode == "I;16":  # 16 bits of grey, which Pillow would clip at 255
        return band.point(lambda value: value * (1 / 257)).convert("L")
    if frame:
        box = (frame[0], max(frame[1] - y, 0), frame[2], min(frame[3] - y, band.height))
        canvas = Image.new("RGBA", band.size, (0, 0, 0, 0))
        if box[1] < box[3]:
            canvas.paste(band.convert("RGBA").crop(box), box[:2])
        band = canvas
    if not band.has_transparency_data:
        return band
    white = Image.new("RGBA", band.size, "white")  # reads well in light and in dark
    return Image.alpha_composite(white, band.convert("RGBA"))


def cut(whole, original, size, crop):
    """Return the square: the middle, or what the person chose, upright and in sRGB."""
    orientation = orientation_of(original)
    whole = whole.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else whole
    if crop and crop["turn"]:
        whole = whole.transpose(TURNS[crop["turn"]])
    short = min(whole.size)
    side = max(1, round(short * crop["side"])) if crop else short
    x, y = (crop["x"], crop["y"]) if crop else (0.5, 0.5)
    left, top = round((whole.width - side) * x), round((whole.height - side) * y)
    final = min(side, size)
    square = whole.resize(
        (final, final), Image.Resampling.LANCZOS, (left, top, left + side, top + side)
    )
    return in_srgb(square, original)


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
