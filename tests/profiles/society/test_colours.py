"""The accent colour: readable in both themes, and served as the CSP allows."""

import colorsys
import hashlib
import re
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from profiles.society import colours
from profiles.society.models import Society

ROOT = Path(__file__).parents[3]
HUES = [
    colours.written(tuple(round(part * 255) for part in colorsys.hls_to_rgb(hue / 12, light, 0.9)))
    for hue in range(12)
    for light in (0.08, 0.3, 0.5, 0.92)
] + ["#000000", "#ffffff", "#808080"]


def test_contrast_is_that_of_the_guidelines():
    white = colours.parsed("#ffffff")

    assert colours.contrast(colours.parsed("#000000"), white) == pytest.approx(21)
    assert colours.contrast(colours.parsed("#767676"), white) == pytest.approx(4.54, abs=0.01)
    assert colours.contrast(white, colours.parsed("#777777")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", HUES)
def test_every_colour_that_is_accepted_can_be_read_in_both_themes(colour):
    """A colour that is refused names one that is accepted."""
    try:
        colours.validate_readable(colour)
    except ValidationError as refused:
        colour = refused.params["nearest"]
        colours.validate_readable(colour)

    light, dark = re.findall(r"\{ (--accent: [^}]*) \}", colours.style(colour))
    for text, theme in ((light, colours.LIGHT), (dark, colours.DARK)):
        accent, strong, soft, on_accent = (
            colours.parsed(found) for found in re.findall(r"#[0-9a-f]{6}", text)
        )
        for pair in [
            (accent, theme.paper),
            (accent, theme.card),
            (accent, soft),
            (strong, soft),
            (on_accent, accent),
            (on_accent, strong),
        ]:
            assert colours.contrast(*pair) >= 4.5


def test_the_themes_have_the_colours_of_the_style_sheet():
    """What the contrast is computed with must be what pages have."""
    text = (ROOT / "static/portal.css").read_text()
    text = text.partition("@media print")[0]  # paper is white, whatever the theme
    papers, cards = re.findall(r"--paper: (#\w+)", text), re.findall(r"--card: (#\w+)", text)

    themes = [colours.LIGHT, colours.DARK]
    assert [colours.written(theme.paper) for theme in themes] == papers
    assert [colours.written(theme.card) for theme in themes] == cards


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456; }", "url(x)", "#1234567"])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ValidationError, match="six digits"):
        colours.validate_readable(colour)


@pytest.mark.django_db
def test_pages_link_to_the_style_sheet_and_have_no_style_of_their_own(client):
    Society.objects.create(name="S", accent="#7a2d5c")

    page = client.get(reverse("home")).content.decode()
    [address] = re.findall(r'href="(/society/look/[^"]*)"', page)
    sheet = client.get(address)

    assert sheet["Content-Type"] == "text/css; charset=utf-8"
    assert sheet["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "--accent: #7a2d5c" in sheet.content.decode()
    assert "style=" not in page


@pytest.mark.django_db
def test_the_shades_are_found_once_and_not_for_each_page(client, monkeypatch):
    Society.objects.create(name="S", accent="#7a2d5c")
    first = client.get(reverse("home")).content.decode()
    monkeypatch.setattr(colours, "readable", lambda *args: pytest.fail("found once more"))

    second = client.get(reverse("home")).content.decode()

    assert "/society/look/7a2d5c-" in first
    assert "/society/look/7a2d5c-" in second


@pytest.mark.parametrize(
    ("look", "status"),
    [("7a2d5c-000000000000", 200), ("nothing", 404), ("7a2d5c", 404), ("zzzzzz-000000000000", 404)],
)
def test_another_address_is_not_kept_for_long(client, look, status):
    answer = client.get(f"/society/look/{look}.css")

    assert answer.status_code == status
    if status == 200:
        assert answer["Cache-Control"] == "public, max-age=60"


@pytest.mark.parametrize(
    ("colour", "light", "dark"),
    [
        ("#0b5c63", "#0b5c63 #08454a #e2ebec #ffffff", "#71a0a5 #94b8bc #233436 #0a1213"),
        ("#7A2D5C", "#7a2d5c #5c2245 #efe6eb #ffffff", "#b78ea7 #c9aabd #2d3136 #0a1213"),
        ("#ffee00", "#756d00 #585200 #eeede0 #ffffff", "#ffee00 #fff240 #373f1f #0a1213"),
        ("#808080", "#696969 #4f4f4f #ededed #ffffff", "#979797 #b1b1b1 #283234 #0a1213"),
        ("#03020a", "#03020a #020208 #e1e1e2 #ffffff", "#9a9a9d #b3b3b6 #283335 #0a1213"),
    ],
)
def test_the_shades_of_a_colour(colour, light, dark):
    def rules(shades):
        names = ("accent", "accent-strong", "accent-soft", "on-accent")
        values = zip(names, shades.split(), strict=True)
        return f":root:not([data-theme]) {{ {'; '.join(f'--{n}: {v}' for n, v in values)} }}"

    assert colours.style(colour) == (
        f"{rules(light)}\n@media (prefers-color-scheme: dark) {{\n{rules(dark)}\n}}\n"
    )


@pytest.mark.parametrize(
    ("colour", "found", "nearest"), [("#ffee00", "1.1", "#756d00"), ("#808080", "3.4", "#696969")]
)
def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can(colour, found, nearest):
    with pytest.raises(ValidationError) as refused:
        colours.validate_readable(colour)

    words = (
        f"Links and buttons in this colour are hard to read (contrast {found}; 4.5 is needed). "
        f"The nearest shade that can be read is {nearest}."
    )
    assert refused.value.messages == [words]
    assert refused.value.code == "contrast"


@pytest.mark.parametrize("colour", ["#7a2d5c", "#7A2D5C"])
def test_a_colour_that_can_be_read_is_accepted_in_either_case(colour):
    colours.validate_readable(colour)


def test_the_name_of_a_style_sheet_is_that_of_its_text():
    assert colours.look("#7A2D5C").startswith("7a2d5c-")
    digest = hashlib.sha256(colours.style("#7a2d5c").encode()).hexdigest()
    assert colours.look("#7a2d5c") == f"7a2d5c-{digest[:12]}"
    assert Society(accent="").look == ""
    assert Society(accent="#7a2d5c").look == colours.look("#7a2d5c")
