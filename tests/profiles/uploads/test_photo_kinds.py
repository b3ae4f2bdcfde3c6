"""Photos as cameras and phones make them today: every kind, upright, in the right colours."""

import struct
import sys
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image, ImageCms

from profiles.uploads.avatars import clean_avatar
from tests.support import samples

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from Linux's /proc"
)
MAX_BYTES = 20_000_000


def opened(content, **choices):
    return Image.open(clean_avatar(ContentFile(content), max_bytes=MAX_BYTES, **choices)[0])


def refusal(content):
    with pytest.raises(ValidationError) as refused:
        opened(content)
    return refused.value.code


def outcome(content):
    """Return "accepted", as some decoders show what there is, or the code of the refusal."""
    try:
        opened(content)
    except ValidationError as refused:
        return refused.code
    return "accepted"


def is_near(pixel, expected, by=12):
    return all(abs(band - wanted) <= by for band, wanted in zip(pixel, expected, strict=True))


RED = (220, 20, 20)
CORNERS = [(10, 10), (90, 10), (10, 90), (90, 90)]


def red_corners(image):
    return [corner for corner in CORNERS if is_near(image.getpixel(corner), RED, by=60)]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize(("orientation", "red_corner"), [(1, (10, 10)), (6, (90, 10))])
def test_turns_phones_photos_upright(kind, orientation, red_corner):
    """I9: iPhones write HEIC, Androids AVIF; both say how they were held."""
    content = samples.encoded(
        samples.photo((100, 140)), kind, exif=samples.exif(orientation).tobytes()
    )

    assert red_corners(opened(content)) == [red_corner]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "WEBP", "PNG"])
def test_puts_what_is_transparent_on_white(kind):
    """I9: the opaque half is the control."""
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 50, 100))

    made = opened(samples.encoded(image, kind))

    assert is_near(made.getpixel((75, 50)), (255, 255, 255))
    assert is_near(made.getpixel((25, 50)), RED, by=30)


def test_takes_the_photo_of_an_mpo():
    """I9: two photos in a file, as cameras for 3D and Ultra HDR phones write them."""
    red, blue = Image.new("RGB", (200, 200), RED), Image.new("RGB", (200, 200), "blue")

    content = samples.encoded(red, "MPO", save_all=True, append_images=[blue])

    assert Image.open(BytesIO(content)).format == "MPO"
    assert is_near(opened(content).getpixel((100, 100)), RED, by=30)


def test_takes_the_photo_of_an_ultra_hdr_jpeg():
    """I9: a JPEG, then another of its brightness, which only Android looks for."""
    gain_map = samples.encoded(Image.new("L", (100, 100), 40), "JPEG")
    about = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta hdrgm:Version='1.0'/>"
    photo = samples.jpeg((200, 200))
    part = b"\xff\xe1" + struct.pack(">H", len(about) + 2) + about

    made = opened(photo[:2] + part + photo[2:] + gain_map)

    assert is_near(made.getpixel((50, 50)), RED, by=30)


def grey_profile(gamma):
    """A profile for grey pictures (ICC.1:2022, 8.4.3) with this gamma."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    curve = b"curv" + bytes(4) + struct.pack(">LH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">lll", 63190, 65536, 54061)
    table = struct.pack(">L", 2) + b"".join(
        struct.pack(">4sLL", name, start, length)
        for name, start, length in [(b"wtpt", 156, 20), (b"kTRC", 176, 14)]
    )
    whole = srgb[4:16] + b"GRAY" + srgb[20:128] + table + white + curve
    return struct.pack(">L", len(whole) + 4) + whole


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_grey_photo_keeps_its_profile(kind):
    """I9: with a gamma of 1, half the light is 188 of sRGB; without a profile, 128 stays 128."""
    grey = Image.new("L", (100, 100), 128)

    plain = opened(samples.encoded(grey, kind))
    profiled = opened(samples.encoded(grey, kind, icc_profile=grey_profile(1.0)))

    assert is_near(plain.getpixel((50, 50)), (128, 128, 128), by=4)
    assert is_near(profiled.getpixel((50, 50)), (188, 188, 188), by=4)


def test_a_gif_frame_that_does_not_fill_the_canvas_is_clear_around():
    """I9: a canvas of 200 squared, whose first frame is 100 squared in its middle."""
    frame = samples.encoded(Image.new("P", (100, 100), 1), "GIF")
    image = Image.new("RGB", (100, 100), RED).quantize(2)
    frame = bytearray(samples.encoded(image, "GIF"))
    frame[6:10] = struct.pack("<HH", 200, 200)
    start = frame.index(b",\0\0\0\0")
    frame[start + 1 : start + 5] = struct.pack("<HH", 50, 50)

    made = opened(bytes(frame))

    assert made.size == (200, 200)
    assert is_near(made.getpixel((100, 100)), RED, by=30)
    for point in [(10, 100), (100, 10), (190, 100), (100, 190), (10, 10)]:
        assert is_near(made.getpixel(point), (255, 255, 255)), point


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2, 20])
def test_a_jpeg_that_lacks_its_last_bytes_is_a_photo(progressive, missing):
    content = samples.jpeg((640, 480), progressive=progressive)

    made = opened(content[:-missing])

    assert is_near(made.getpixel((100, 100)), RED, by=30)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_which_a_part_is_missing_is_cut_off(progressive):
    """I1: the control is the test above."""
    content = samples.jpeg((640, 480), progressive=progressive)

    assert refusal(content[: len(content) // 2]) == "cut_off"


LAST_SCAN = b"\xff\xda\0\x08\1\1\0\1\x3f\x10"  # adds the last bit to the luminance


@pytest.mark.whole
def test_the_last_detail_of_a_large_progressive_jpeg_is_not_decoded():
    """A quarter of the work, and nobody would see it; a smaller photo has all of it decoded."""
    noise = Image.effect_noise((512, 512), 60).convert("RGB")
    for side, is_decoded in [(2048, False), (2000, True)]:
        photo = noise.resize((side, side), Image.Resampling.NEAREST)
        content = samples.encoded(photo, "JPEG", progressive=True, quality=90)
        start = content.index(LAST_SCAN) + len(LAST_SCAN)
        emptied = content[:start] + bytes(len(content) - start)

        is_the_same = opened(emptied).tobytes() == opened(content).tobytes()
        assert is_the_same is not is_decoded, side


def test_a_progressive_jpeg_whose_last_scan_has_all_the_detail_is_cut_off():
    """It is the only scan of the luminance's detail, where other programs send it in two steps."""
    content = samples.jpeg((640, 480), progressive=True)
    start = content.index(LAST_SCAN)

    cut = content[: start + 40]
    assert outcome(cut) == "accepted"  # the control
    assert outcome(cut.replace(LAST_SCAN, LAST_SCAN[:-1] + b"\0")) == "cut_off"


@pytest.mark.parametrize("kind", [b"tEXt", b"iCCP", b"eXIf", b"abCd"])
def test_a_wrong_checksum_in_a_side_chunk_does_not_matter(kind):
    chunk = bytearray(samples.png_chunk(kind, b"note\0\0text"))
    chunk[-1] ^= 0xFF

    made = opened(samples.png_with(bytes(chunk)))

    assert is_near(made.getpixel((20, 20)), RED, by=30)


def test_a_wrong_checksum_of_the_pixels_is_damage():
    """The control is the test above."""
    content = bytearray(samples.png())
    content[content.index(b"IEND") - 9] ^= 0xFF  # the last of zlib's own checksum

    assert refusal(bytes(content)) == "damaged"


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF"])
def test_a_whole_file_is_never_called_cut_off(kind):
    """Its owner would look for the rest of it in vain."""
    content = bytearray(samples.encoded(samples.photo(), kind))
    middle = len(content) // 2
    for start in range(middle, min(middle + 2000, len(content) - 60)):
        content[start] = 0

    assert outcome(bytes(content)) != "cut_off"


@pytest.mark.whole
@needs_proc
def test_the_largest_photos_cost_the_site_little(tmp_path):
    """I10: 48 and 108 megapixels, and a panorama; the child is bounded, the site holds nothing."""
    phone = Image.effect_noise((1000, 750), 60).convert("RGB")
    contents = {
        "48 MP": samples.encoded(phone.resize((8000, 6000)), "JPEG", quality=85),
        "48 MP progressive": samples.encoded(
            phone.resize((8000, 6000)), "JPEG", quality=85, progressive=True
        ),
        "108 MP": samples.encoded(phone.resize((12000, 9000)), "JPEG", quality=85),
        "panorama": samples.encoded(phone.resize((20_000, 3000)), "JPEG", quality=85),
        "12 MP HEIC": samples.encoded(phone.resize((4000, 3000)), "HEIF"),
        "12 MP AVIF": samples.encoded(phone.resize((4000, 3000)), "AVIF", speed=10),
    }

    costs = samples.costs(
        "profiles.uploads.avatars.clean_avatar", contents, tmp_path, max_bytes=MAX_BYTES
    )

    assert {cost["outcome"] for cost in costs.values()} == {"accepted"}
    assert max(cost["seconds"] for cost in costs.values()) < 2
    assert max(cost["megabytes"] for cost in costs.values()) < 300
    assert max(cost["own_megabytes"] for cost in costs.values()) < 20


@pytest.mark.whole
@needs_proc
def test_a_small_square_of_a_huge_photo_is_accepted(tmp_path):
    """I10: a face among many, at the closest that the form offers."""
    content = samples.encoded(samples.photo((12000, 9000)), "JPEG")
    crop = {"x": 0.0, "y": 0.0, "side": 0.1, "turn": 0}

    made = opened(content, crop=crop)

    assert is_near(made.getpixel((50, 50)), RED, by=30)
    assert made.width >= 400
