"""What an avatar is, whatever is sent for one."""

import random
import struct
import sys
import warnings
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from profiles.uploads.avatars import clean_avatar
from tests.support import samples

LIMITS = {"max_bytes": 20_000_000}

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from Linux's /proc"
)


def clean(content, **limits):
    """The larger of the two squares."""
    return clean_avatar(ContentFile(content), **{**LIMITS, **limits})[0]


def opened(content, **limits):
    return Image.open(clean(content, **limits))


def refusal(content, **limits):
    with pytest.raises(ValidationError) as refused:
        clean(content, **limits)
    return refused.value


def is_red(pixel):
    return pixel[0] > 150 and pixel[1] < 100 and pixel[2] < 100


def test_makes_a_square_webp_of_any_photo():
    image = opened(samples.jpeg((640, 900)))

    assert (image.format, image.mode, image.size) == ("WEBP", "RGB", (512, 512))


def test_cuts_the_middle_out():
    wide = Image.new("RGB", (900, 300), "white")
    wide.paste((220, 20, 20), (300, 0, 600, 300))

    image = opened(samples.encoded(wide, "PNG"))

    assert image.size == (300, 300)
    assert all(is_red(image.getpixel(corner)) for corner in [(5, 5), (294, 5), (5, 294)])


def test_does_not_blow_up_a_small_photo():
    assert opened(samples.jpeg((64, 100))).size == (64, 64)


def test_refuses_a_smudge():
    assert refusal(samples.jpeg((63, 640))).code == "too_small"


def test_says_that_a_webp_has_too_many_pixels():
    """I10: 48 megapixels, which the decoder has no memory for."""
    webp = bytearray(
        samples.encoded(samples.photo((64, 64)), "WEBP", exif=samples.exif(1).tobytes())
    )
    webp[24:30] = (8063).to_bytes(3, "little") + (6047).to_bytes(3, "little")

    assert refusal(bytes(webp)).code == "too_many_pixels"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF"])
def test_accepts(kind):
    content = samples.encoded(samples.photo(), kind)

    image = opened(content)

    assert is_red(image.getpixel((100, 100)))
    assert not is_red(image.getpixel((400, 400)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_refuses_a_photo_that_is_cut_off(kind):
    """I1: its positive control is test_accepts."""
    content = samples.encoded(samples.photo(), kind)

    error = refusal(content[: len(content) * 2 // 3])

    assert error.code in {"cut_off", "damaged", "not_a_photo"}


def test_says_that_a_jpeg_is_cut_off():
    """I1."""
    error = refusal(samples.jpeg()[:5000])

    assert error.messages == ["This photo is cut off. Please choose the original file."]
    assert error.code == "cut_off"


@pytest.mark.whole
@needs_proc
def test_refuses_bombs_at_no_cost(tmp_path):
    """I2, I3."""
    note = samples.png_chunk(b"zTXt", b"note\0\0" + samples.deflated_zeros(1_000_000))
    notes = samples.png_chunk(b"zTXt", b"note\0\0" + samples.deflated_zeros(900_000_000))
    profile = samples.png_chunk(b"iCCP", b"icc\0\0" + samples.deflated_zeros(1_000_000))
    contents = {
        "a good photo": samples.jpeg(),
        "50,000 squared": samples.blank_png(50_000),
        "13,370 squared": samples.blank_png(13_370),
        "a note of 900 MB": samples.png_with(notes),
        "60 notes of 1 MB": samples.png_with(note, times=60),
        "5,000 colour profiles": samples.png_with(profile, times=5_000),
        "5,000 scans": samples.jpeg_with_scans(5_000),
        "a million parts": samples.png_with(samples.png_chunk(b"tiMe"), times=1_000_000),
    }
    expected = dict.fromkeys(contents, "damaged")
    expected |= {"50,000 squared": "too_many_pixels", "13,370 squared": "too_many_pixels"}
    notes = ("a good photo", "a note of 900 MB", "60 notes of 1 MB", "5,000 colour profiles")
    expected |= dict.fromkeys(notes, "accepted")  # left out before the photo is opened

    costs = samples.costs("profiles.uploads.avatars.clean_avatar", contents, tmp_path, **LIMITS)

    assert {name: cost["outcome"] for name, cost in costs.items()} == expected
    assert max(cost["seconds"] for cost in costs.values()) < 1
    most = costs["a good photo"]["megabytes"] + 50
    assert max(cost["megabytes"] for cost in costs.values()) < most


@pytest.mark.whole
@needs_proc
def test_accepts_the_largest_photos_within_a_dyno(tmp_path):
    """I4: 24 megapixels, as today's phones make them."""
    large = samples.photo((6000, 4000))
    large.paste(Image.effect_noise((500, 1000), 60).resize((2000, 4000)), (4000, 0))
    contents = {
        "baseline.jpg": samples.encoded(large, "JPEG", quality=90),
        "progressive.jpg": samples.encoded(large, "JPEG", quality=90, progressive=True),
        "plain.png": samples.encoded(large, "PNG", compress_level=1),
        "transparent.png": samples.encoded(large.convert("RGBA"), "PNG", compress_level=1),
    }

    costs = samples.costs("profiles.uploads.avatars.clean_avatar", contents, tmp_path, **LIMITS)

    assert {cost["outcome"] for cost in costs.values()} == {"accepted"}
    assert max(cost["seconds"] for cost in costs.values()) < 1.5
    assert max(cost["megabytes"] for cost in costs.values()) < 200
    assert costs["baseline.jpg"]["megabytes"] < 100  # 96 would be the pixels alone


@pytest.mark.whole
@needs_proc
def test_what_is_said_about_a_photo_costs_little(tmp_path):
    """I2: a colour profile of 20,000 steps; 14 MB of EXIF that are one field."""
    numbers = 1_750_000
    exif = b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHLL", 0x112, 5, numbers, 26) + bytes(4)
    contents = {
        "profile": samples.jpeg(icc_profile=samples.icc_of_steps(20_000)),
        "exif": samples.encoded(
            samples.photo((100, 100)), "WEBP", exif=exif + b"\0\1" * (4 * numbers)
        ),
    }

    costs = samples.costs("profiles.uploads.avatars.clean_avatar", contents, tmp_path, **LIMITS)

    assert {cost["outcome"] for cost in costs.values()} == {"accepted"}
    assert max(cost["seconds"] for cost in costs.values()) < 1
    assert max(cost["megabytes"] for cost in costs.values()) < 100


def test_reads_no_byte_of_a_file_that_is_too_large():
    class Unread(ContentFile):
        def read(self, *args):
            raise AssertionError("read")

    file = Unread(samples.jpeg())

    with pytest.raises(ValidationError) as refused:
        clean_avatar(file, **{**LIMITS, "max_bytes": file.size - 1})

    assert refused.value.code == "too_large"


def test_counts_bytes_inclusively():
    content = samples.jpeg((300, 200))

    assert clean(content, max_bytes=len(content))
    assert refusal(content, max_bytes=len(content) - 1).code == "too_large"


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_takes_the_first_frame_of_an_animation(kind):
    """I5."""
    image = opened(samples.animation(kind))

    assert getattr(image, "n_frames", 1) == 1
    assert is_red(image.getpixel((100, 100)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(samples.SVG, "not_a_photo", id="I6-SVG"),
        pytest.param(samples.HTML, "not_a_photo", id="I6-HTML"),
        pytest.param(samples.EPS, "not_a_photo", id="I6-EPS"),
        pytest.param(b"", "empty", id="I6-nothing"),
        pytest.param(b"\xff\xd8\xff", "not_a_photo", id="I6-three bytes"),
        pytest.param(samples.BROKEN_HEIC, "not_a_photo", id="I6-HEIC without a photo"),
    ],
)
def test_refuses_what_is_not_a_photo(content, code):
    """I6: whatever its name; the positive control is test_accepts."""
    error = refusal(content)

    assert error.code == code
    assert "Please choose" in error.messages[0]


@pytest.mark.parametrize(
    "mode",
    [
        "RGB",
        pytest.param("P", marks=pytest.mark.whole),
        pytest.param("LA", marks=pytest.mark.whole),
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        b"xmp",
        b"transparency",
        *(
            pytest.param(name, marks=pytest.mark.whole)
            for name in (b"exif", b"icc_profile", b"dpi")
        ),
    ],
)
def test_a_note_may_have_any_name(name, mode):
    """I6: Pillow keeps the notes of a PNG beside what it knows of it, under the same names."""
    content = samples.encoded(samples.photo((100, 100)).convert(mode), "PNG")
    texts = {b"tEXt": b"a", b"zTXt": b"\0" + zlib.compress(b"a"), b"iTXt": b"\0\0\0\0a"}

    for kind, text in texts.items():
        note = samples.png_chunk(kind, name + b"\0" + text)
        for start in (33, content.index(b"IEND") - 4):  # before the pixels, and behind them
            assert clean(content[:start] + note + content[start:]), kind


def test_what_a_phone_adds_behind_a_photo_is_no_damage():
    """A motion photo ends in a film, in which any bytes may be."""
    film = random.Random(1).randbytes(6_000_000)

    assert clean(samples.jpeg((640, 480)) + film)


def test_drops_everything_but_the_pixels():
    """I7: the place, the camera, the colour profile, and HTML behind the end."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = samples.jpeg(
        exif=samples.exif(1), icc_profile=profile, comment=b"SecretComment", xmp=b"<SecretXmp/>"
    )

    cleaned = clean(content + samples.HTML).read()

    assert b"Secret" in content
    assert b"Secret" not in cleaned
    assert b"script" not in cleaned
    image = Image.open(BytesIO(cleaned))
    assert not image.getexif()
    assert not {"exif", "xmp", "icc_profile"} & image.info.keys()


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "red_corner"),
    [(1, (10, 10)), (2, (90, 10)), (3, (90, 90)), (4, (10, 90)),
     (5, (10, 10)), (6, (90, 10)), (7, (90, 90)), (8, (10, 90))],
)  # fmt: skip
def test_turns_a_photo_upright(kind, orientation, red_corner):
    """I7."""
    content = samples.encoded(samples.photo((100, 140)), kind, exif=samples.exif(orientation))

    image = opened(content)

    corners = [(10, 10), (90, 10), (10, 90), (90, 90)]
    assert [corner for corner in corners if is_red(image.getpixel(corner))] == [red_corner]


GREY = Image.new("RGB", (100, 100), (128, 128, 128))


@pytest.mark.parametrize(
    ("image", "value"),
    [
        pytest.param(Image.new("1", (100, 100), 1), 255, id="1 bit"),
        pytest.param(GREY.convert("L"), 128, id="grey"),
        pytest.param(GREY.convert("LA"), 128, id="grey with alpha"),
        pytest.param(GREY.quantize(4), 128, id="palette"),
        pytest.param(GREY.convert("RGBA"), 128, id="RGBA"),
        pytest.param(Image.new("I;16", (100, 100), 32_896), 128, id="16 bits"),
    ],
)
def test_makes_rgb_of_every_kind_of_png(image, value):
    """I7."""
    made = opened(samples.encoded(image, "PNG"))

    assert made.mode == "RGB"
    assert all(abs(band - value) < 4 for band in made.getpixel((50, 50)))


def test_makes_rgb_of_a_cmyk_photo():
    """I7."""
    image = opened(samples.encoded(samples.photo(mode="CMYK"), "JPEG"))

    assert image.mode == "RGB"
    assert is_red(image.getpixel((100, 100)))


def test_puts_what_is_transparent_on_white():
    clear = Image.new("RGBA", (100, 100), (0, 0, 0, 0))

    image = opened(samples.encoded(clear, "PNG"))

    assert image.getpixel((50, 50)) == (255, 255, 255)


def test_converts_from_the_photo_s_colour_profile():
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    swapped = ImageCms.ImageCmsProfile(srgb).tobytes().replace(b"rXYZ", b"----")
    swapped = swapped.replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    red = Image.new("RGB", (100, 100), (255, 0, 0))

    image = opened(samples.encoded(red, "PNG", icc_profile=swapped))
    control = opened(
        samples.encoded(red, "PNG", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    )

    assert image.getpixel((50, 50))[2] > 200  # its profile says that red is blue
    assert is_red(control.getpixel((50, 50)))  # this one is not about RGB, so it is ignored


def test_ignores_a_broken_colour_profile_and_broken_exif():
    content = samples.jpeg(icc_profile=b"no profile", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Pillow mentions what it cannot read
        image = opened(content)

    assert is_red(image.getpixel((100, 100)))


ORIGINALS = [
    samples.jpeg((80, 70), exif=samples.exif(6)),
    samples.jpeg((80, 70), progressive=True),
    samples.png((80, 70)),
    *(samples.encoded(samples.photo((80, 70)), kind) for kind in ("GIF", "WEBP")),
    *(samples.animation(kind, (80, 70)) for kind in ("GIF", "PNG", "WEBP")),
]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow mentions what it cannot read
@pytest.mark.parametrize("number", [12, pytest.param(300, marks=pytest.mark.whole)])
def test_answers_to_any_damage_with_a_photo_or_a_sentence(number):
    """I1, I6: no broken file raises anything that a form would not show."""

    @settings(max_examples=number, deadline=None, derandomize=True)
    @given(
        content=st.sampled_from(ORIGINALS),
        edits=st.lists(
            st.tuples(st.integers(0, 3000), st.integers(0, 8), st.binary(max_size=8)), max_size=5
        ),
    )
    def is_answered(content, edits):
        damaged = bytearray(content)
        for start, length, new in edits:
            start %= len(content)
            damaged[start : start + length] = new

        try:
            answer = opened(bytes(damaged)).format
        except ValidationError as error:
            answer = bool(error.code), error.messages[0][-1]

        assert answer in {"WEBP", (True, ".")}

    is_answered()
