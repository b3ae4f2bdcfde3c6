"""Which square of a photo is kept: numbers, with or without a preview."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from profiles.uploads.avatars import clean_avatar
from profiles.uploads.crop import Crop
from tests.support import samples

COLOURS = {"red": (220, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 220)}


def stripes(size=(900, 300)):
    """Red, green and blue, from the left."""
    image = Image.new("RGB", size)
    width = size[0] // 3
    for index, colour in enumerate(COLOURS.values()):
        image.paste(colour, (index * width, 0, (index + 1) * width, size[1]))
    return image


def colours(content, crop):
    """The colours in the middles of the square's left and right halves, then top and bottom."""
    file = clean_avatar(ContentFile(content), max_bytes=20_000_000, crop=crop)[0]
    image = Image.open(file)
    side = image.width
    points = [(0.25, 0.5), (0.75, 0.5), (0.5, 0.25), (0.5, 0.75)]
    return [nearest(image.getpixel((int(x * side), int(y * side)))) for x, y in points]


def nearest(pixel):
    return min(
        COLOURS,
        key=lambda name: sum(abs(a - b) for a, b in zip(COLOURS[name], pixel, strict=True)),
    )


def form(**numbers):
    return {f"photo-{name}": str(value) for name, value in numbers.items()}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({}, ["green"] * 4),
        ({"x": 0}, ["red"] * 4),
        ({"x": 100}, ["blue"] * 4),
        ({"x": 25}, ["red", "green", "green", "green"]),
        ({"x": 0, "zoom": 300}, ["red"] * 4),
        ({"x": 0, "turn": 180}, ["blue"] * 4),
        ({"y": 0, "turn": 90}, ["red"] * 4),  # red is on top
        ({"y": 0, "turn": 270}, ["blue"] * 4),
    ],
)
def test_the_numbers_say_which_square(numbers, expected):
    crop = Crop.of(form(**numbers), "photo")

    assert colours(samples.encoded(stripes(), "PNG"), crop) == expected


@pytest.mark.parametrize("kind", ["JPEG", "HEIF"])
def test_the_square_is_one_of_the_upright_photo(kind):
    """A camera held on its side: what the person sees has red on top."""
    content = samples.encoded(stripes(), kind, exif=samples.exif(6).tobytes())

    assert colours(content, Crop.of(form(y=0), "photo")) == ["red"] * 4
    assert colours(content, Crop.of(form(y=100), "photo")) == ["blue"] * 4


def test_a_turn_comes_after_the_camera_s():
    content = samples.encoded(stripes(), "JPEG", exif=samples.exif(6))  # red on top

    assert colours(content, Crop.of(form(x=100, turn=90), "photo")) == ["red"] * 4


def test_closer_keeps_the_middle():
    image = Image.new("RGB", (600, 600), COLOURS["blue"])
    image.paste(COLOURS["red"], (200, 200, 400, 400))

    crop = Crop.of(form(zoom=300), "photo")

    assert colours(samples.encoded(image, "PNG"), crop) == ["red"] * 4


@pytest.mark.parametrize("data", [{}, form(x="", y=""), form(x=50, y=50, zoom=100, turn=0)])
def test_the_middle_is_nobody_s_choice(data):
    assert Crop.of(data, "photo") is None


@pytest.mark.parametrize(
    ("numbers", "crop"),
    [
        ({"x": 0, "y": 100, "zoom": 1000, "turn": 270}, (0.0, 1.0, 0.1, 270)),
        ({"x": 100, "y": 0, "zoom": 100, "turn": 90}, (1.0, 0.0, 1.0, 90)),
        ({"x": 25}, (0.25, 0.5, 1.0, 0)),
        ({"y": "62.5"}, (0.5, 0.625, 1.0, 0)),
        ({"zoom": 200}, (0.5, 0.5, 0.5, 0)),
        ({"turn": 180}, (0.5, 0.5, 1.0, 180)),
    ],
)
def test_numbers_up_to_the_limits_are_read(numbers, crop):
    """The control of the refusals below."""
    assert Crop.of(form(**numbers), "photo") == Crop(*crop)._asdict()


@pytest.mark.parametrize(
    "numbers",
    [
        {"x": -1},
        {"x": 101},
        {"y": "nan"},
        {"y": "inf"},
        {"x": "left"},
        {"zoom": 0},
        {"zoom": 99},
        {"zoom": 1001},
        {"zoom": "1e-400"},
        {"zoom": "-inf"},
        {"turn": 45},
        {"turn": "90.0"},
        {"turn": "9" * 5000},
    ],
)
def test_other_numbers_are_a_plain_error(numbers):
    with pytest.raises(ValidationError) as refused:
        Crop.of(form(**numbers), "photo")

    assert refused.value.code == "crop"
