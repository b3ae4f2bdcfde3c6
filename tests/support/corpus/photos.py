"""Photos by format, depth, colour profile, orientation and defect; made here, none is copied."""

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
