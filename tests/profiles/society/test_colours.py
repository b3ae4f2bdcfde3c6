"""The accent colour: readable in both themes, and served as the CSP allows."""

import colorsys
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


@pytest.mark.parametrize(
    ("look", "status"),
    [("7a2d5c-000000000000", 200), ("nothing", 404), ("7a2d5c", 404), ("zzzzzz-000000000000", 404)],
)
def test_another_address_is_not_kept_for_long(client, look, status):
    answer = client.get(f"/society/look/{look}.css")

    assert answer.status_code == status
    if status == 200:
        assert answer["Cache-Control"] == "public, max-age=60"
