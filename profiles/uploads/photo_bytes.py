"""Examines the bytes of a photo before a pixel of it is decoded; children alone import this."""

import re
import struct
import warnings
import zlib

from confinement import MEGABYTE
from PIL import Image, PngImagePlugin

# A small file can ask for hours of work: 42 bytes more are one more JPEG scan, 20 ms each.
SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e][\1-\4]")
MAX_SCANS = 60  # progressive JPEGs have about 10
EXIF_PART = re.compile(rb"Exif\0\0")
MAX_EXIF_PARTS = 60  # Pillow joins them, one after the other
MAX_MISSING_SHARE = 0.03  # of the rows of a JPEG
BLOCK_ROWS = 20  # the last row of blocks, and what smoothing their colours holds back
JPEG_END = b"\xff\xd9"
END_BYTES = 1024  # in which the mark of an end is looked for
MAX_CHUNKS = 20_000  # 20 MB of PNG in the usual 8 kB parts are 2,500

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}  # needed for the pixels
PNG_KEPT_ONCE = {b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"eXIf"}  # for their colours and their way up


class Refused(Exception):
    """The photo is refused; the first argument is the verdict."""


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


def refuse_repeated_parts(data):
    """Refuse a JPEG that asks for more work than any camera does."""
    scans = sum(1 for _ in SCAN.finditer(data))
    parts = sum(1 for _ in EXIF_PART.finditer(data))
    if scans > MAX_SCANS or parts > MAX_EXIF_PARTS:
        raise Refused("damaged")


def essential_png(data):
    """Return a PNG without the chunks that no pixel needs, whatever is in them.

    A checksum that is wrong, a note of a gigabyte or 5,000 colour profiles are thereby no matter.
    """
    kept, position = [PNG_START], len(PNG_START)
    once, content = set(PNG_KEPT_ONCE), memoryview(data)
    for _ in range(MAX_CHUNKS):
        head = data[position : position + 8]
        length, kind = struct.unpack(">I4s", head.ljust(8, b"\0"))
        chunk = content[position : position + length + 12]
        position += length + 12
        if kind in PNG_KEPT:
            kept.append(chunk)
        elif kind in once and chunk[-4:] == struct.pack(">I", zlib.crc32(chunk[4:-4])):
            once.discard(kind)
            kept.append(chunk)
        if kind == b"IEND" or position >= len(data):
            return b"".join(kept)
    raise Refused("damaged")


def refuse_large_webp(data, most_pixels):
    """Refuse a WebP by its header: opening it takes memory for all of its pixels.

    (RFC 9649: the size of the canvas in 24 bits each, that of a lossless picture in 14 bits behind
    a byte, that of a lossy one in 14 bits behind six bytes.)
    """
    kind, head = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(part, "little") for part in (head[4:7], head[7:]))
    elif kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (part & 0x3FFF for part in struct.unpack("<HH", head[6:]))
    if width * height > most_pixels:
        raise Refused("too_many_pixels")


def is_cut_off(data):
    """Return True for a file that ends before its format says that it does.

    One that is whole and still lacks pixels is damaged; its owner would look in vain for the rest.
    """
    if data.startswith(b"\xff\xd8"):
        return JPEG_END not in data[-END_BYTES:]
    if data.startswith(PNG_START):
        return b"IEND" not in data[-END_BYTES:]
    if data.startswith(b"GIF8"):
        return not data.rstrip(b"\0").endswith(b";")
    if data[8:12] == b"WEBP":
        return len(data) < 8 + struct.unpack_from("<I", data, 4)[0]
    return True


def last_detail(data) -> int | None:
    """Return the offset of the last scan of a progressive JPEG if it only refines luminance.

    None if there is no such scan. It halves the steps of the brightness, and is a quarter of the
    work. (ISO 10918-1, G.1.1.1: a band that was sent before, up to the last coefficient, to the
    last bit.)
    """
    scan = [None, *SCAN.finditer(data)][-1]
    if scan is None:
        return None
    components = data[scan.end() - 1]
    first = data[scan.end()]
    _, last_band, bits = data[scan.end() + 2 * components :][:3].ljust(3, b"\0")
    is_last = (components, first, last_band, bits) == (1, 1, 63, 0x10)
    return scan.start() if is_last else None


def is_nearly_whole(data, image):
    """Return True for a JPEG of which so little is missing that nobody would see it."""
    if "progressive" in image.info:
        return last_detail(data) is not None
    image.tile = []  # counts as loaded: rows that were not decoded are black
    box = image.convert("L").getbbox()
    return box is not None and image.height - box[3] <= max(
        BLOCK_ROWS, image.height * MAX_MISSING_SHARE
    )
