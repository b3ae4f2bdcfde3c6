"""Photos by format, depth, colour profile, orientation and defect; made here, none is copied."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial

from PIL import Image, ImageCms

from tests.support import samples

SIZE = (640, 480)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

FORMATS = {
    "jpg": partial(samples.encoded, kind="JPEG", quality=90),
    "progressive.jpg": partial(samples.encoded, kind="JPEG", progressive=True),
    "444.jpg": partial(samples.encoded, kind="JPEG", subsampling=0),
    "png": partial(samples.encoded, kind="PNG"),
    "gif": partial(samples.encoded, kind="GIF"),
    "webp": partial(samples.encoded, kind="WEBP"),
    "lossless.webp": partial(samples.encoded, kind="WEBP", lossless=True),
    "avif": partial(samples.encoded, kind="AVIF", speed=10),
    "heic": partial(samples.encoded, kind="HEIF"),
    "mpo": partial(samples.encoded, kind="MPO", save_all=True),
}
MODES = {
    "jpg": ["RGB", "L", "CMYK"],
    "png": ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"],
    "webp": ["RGB", "RGBA"],
    "avif": ["RGB", "RGBA"],
    "heic": ["RGB", "RGBA", "L"],
    "gif": ["P", "L"],
}
DEFECTS = {  # and whether a photo is left
    "lacks 1 byte": (lambda photo: photo[:-1], {"jpg", "progressive.jpg", "444.jpg"}),
    "lacks 20 bytes": (lambda photo: photo[:-20], {"jpg", "progressive.jpg", "444.jpg"}),
    "a half": (lambda photo: photo[: len(photo) // 2], set()),
    "HTML behind": (lambda photo: photo + samples.HTML, set(FORMATS)),
    "1 MB behind": (lambda photo: photo + bytes(1_000_000), set(FORMATS)),
    "zeros within": (
        lambda photo: photo[: len(photo) // 2] + bytes(999) + photo[len(photo) // 2 + 999 :],
        set(),
    ),
}


def with_gap_in_exif(orientation: int) -> bytes:
    """Exif whose entries point behind its end."""
    good = samples.exif(orientation).tobytes()
    return good[: len(good) // 2]


def adobe_cmyk() -> bytes:
    """Inverted, as Adobe's programs write it; Pillow writes the marker and inverts."""
    return FORMATS["jpg"](photo_of("CMYK"))


def deep_png() -> bytes:
    """16 bits of each colour, which Pillow does not write."""
    width = height = 128
    row = b"\0" + struct.pack(">3H", 56_000, 5_000, 5_000) * width
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunk = samples.png_chunk
    pixels = chunk(b"IDAT", zlib.compress(row * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND")


def interlaced_png() -> bytes:
    """Adam7 with one colour, so that each of its seven pictures is the same row repeated."""
    side, passes = 64, [(8, 8), (8, 8), (16, 8), (16, 16), (32, 16), (32, 32), (64, 32)]
    rows = b"".join((b"\0" + b"\xdc\x14\x14" * width) * height for width, height in passes)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 1)
    chunk = samples.png_chunk
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND")


def wide_gamut_profile() -> bytes:
    """sRGB's profile as one of ICC's version 4."""
    return SRGB[:8] + b"\4\x40\0\0" + SRGB[12:]


KINDS = {  # and whether each must be accepted
    "Adobe's CMYK.jpg": (adobe_cmyk, True),
    "16 bits.png": (deep_png, True),
    "interlaced.png": (interlaced_png, True),
    "animated.png": (partial(samples.animation, "PNG"), True),
    "animated.webp": (partial(samples.animation, "WEBP"), True),
    "animated.avif": (partial(samples.animation, "AVIF"), True),
    "animated.gif": (partial(samples.animation, "GIF"), True),
    "several.heic": (partial(samples.animation, "HEIF"), True),
    "broken Exif.jpg": (lambda: samples.jpeg(SIZE, exif=with_gap_in_exif(6)), True),
    "orientation 99.jpg": (lambda: samples.jpeg(SIZE, exif=samples.exif(99).tobytes()), True),
    "profile of version 4.jpg": (lambda: samples.jpeg(icc_profile=wide_gamut_profile()), True),
    "profile of version 4.png": (lambda: samples.png(icc_profile=wide_gamut_profile()), True),
    "restart marks.jpg": (lambda: samples.jpeg(SIZE, restart_marker_blocks=4), True),
    "no end.progressive.jpg": (lambda: samples.jpeg(SIZE, progressive=True)[:-2], True),
    "photo.bmp": (lambda: samples.encoded(samples.photo(SIZE), "BMP"), False),
    "photo.tif": (lambda: samples.encoded(samples.photo(SIZE), "TIFF"), False),
    "photo.ico": (lambda: samples.encoded(samples.photo((128, 128)), "ICO"), False),
    "photo.ppm": (lambda: samples.encoded(samples.photo(SIZE), "PPM"), False),
}  # fmt: skip


def photo_of(mode: str) -> Image.Image:
    """A photo in a mode of Pillow's, some of which cannot be converted to."""
    if mode == "I;16":
        return Image.new(mode, SIZE, 30_000)
    return samples.photo(SIZE).convert(mode)


def plain(kind: str, **options) -> bytes:
    return FORMATS[kind](samples.photo(SIZE), **options)


def in_mode(kind: str, mode: str) -> bytes:
    return FORMATS[kind](photo_of(mode))


def bent(kind: str, bend: Callable[[bytes], bytes]) -> bytes:
    return bend(plain(kind))


def photos() -> Iterator[tuple[str, Callable[[], bytes], bool]]:
    """Yield the name, a function that makes the content, and whether it must be accepted."""
    for kind, modes in MODES.items():
        for mode in modes:
            yield f"{mode.replace(';', ' ')}.{kind}", partial(in_mode, kind, mode), True
    for kind in FORMATS:
        yield f"plain.{kind}", partial(plain, kind), True
        if kind != "gif":
            for orientation in range(1, 9):
                exif = samples.exif(orientation).tobytes()
                yield f"orientation {orientation}.{kind}", partial(plain, kind, exif=exif), True
            for name, profile in (("sRGB", SRGB), ("broken", b"no profile")):
                make = partial(plain, kind, icc_profile=profile)
                yield f"profile {name}.{kind}", make, True
        for name, (bend, harmless) in DEFECTS.items():
            yield f"{name}.{kind}", partial(bent, kind, bend), kind in harmless
    yield from ((name, make, is_photo) for name, (make, is_photo) in KINDS.items())
