"""The accent colour: its shades in both themes, and whether text in them can be read.

Contrast is that of WCAG 2.2 (1.4.3): text has 4.5:1 with what it stands on.
https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
LEAST_CONTRAST = 4.5
STEPS = 50  # of shades that are tried between a colour and black or white
WHITE, BLACK = (255, 255, 255), (0, 0, 0)

Colour = tuple[int, int, int]


class Theme(NamedTuple):
    """The colours that the accent is used on or with."""

    paper: Colour  # as in static/portal.css, and so is the next
    card: Colour
    on_accent: Colour
    soft_share: float  # of the accent, in a soft background


LIGHT = Theme((0xF5, 0xF8, 0xF7), WHITE, WHITE, 0.12)
DARK = Theme((0x0F, 0x18, 0x19), (0x16, 0x22, 0x24), (0x0A, 0x12, 0x13), 0.14)


class Shades(NamedTuple):
    """The colours that a theme makes of the accent."""

    accent: Colour
    strong: Colour  # under the pointer
    soft: Colour  # behind text
    on_accent: Colour  # text on the accent


def parsed(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def written(colour: Colour) -> str:
    return f"#{bytes(colour).hex()}"


def mixed(colour, other, share: float) -> Colour:
    """Return a colour with a share (0 to 1) of another."""
    return tuple(round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))


def luminance(colour: Colour) -> float:
    """Return the relative luminance, 0 to 1."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 to 21."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def shades(accent, theme: Theme) -> Shades:
    """Return what a theme makes of a colour that can be read in it."""
    away = BLACK if theme is LIGHT else WHITE
    return Shades(
        accent,
        mixed(accent, away, 0.25),
        mixed(theme.card, accent, theme.soft_share),
        theme.on_accent,
    )


def least_contrast(accent, theme: Theme) -> float:
    """Return the lowest contrast that text has wherever the accent is used."""
    made = shades(accent, theme)
    return min(
        contrast(made.accent, theme.paper),
        contrast(made.accent, theme.card),
        contrast(made.accent, made.soft),
        contrast(made.strong, made.soft),
        contrast(made.on_accent, made.accent),
        contrast(made.on_accent, made.strong),
    )


def readable(accent, theme: Theme) -> Colour:
    """Return the nearest shade that can be read in a theme: the colour itself, if it can."""
    away = BLACK if theme is LIGHT else WHITE
    nearer = (mixed(accent, away, step / STEPS) for step in range(STEPS))
    return next(shade for shade in nearer if least_contrast(shade, theme) >= LEAST_CONTRAST)


def validate_readable(colour: str) -> None:
    """Refuse what is no colour, and a colour in which links could not be read on white."""
    if not COLOUR.fullmatch(colour):
        raise ValidationError(
            _("Please write the colour as # and six digits of 0 to 9 and a to f, such as #0b5c63."),
            code="colour",
        )
    nearest = written(readable(parsed(colour), LIGHT))
    if nearest != colour.lower():
        found = least_contrast(parsed(colour), LIGHT)
        raise ValidationError(
            _(
                "Links and buttons in this colour are hard to read (contrast %(found)s; %(least)s "
                "is needed). The nearest shade that can be read is %(nearest)s."
            ),
            code="contrast",
            params={
                "found": number_format(found, 1),
                "least": number_format(LEAST_CONTRAST, 1),
                "nearest": nearest,
            },
        )


def style(colour: str) -> str:
    """Return the style sheet that puts a colour in the place of the portal's own."""
    accent = parsed(colour)
    light = rules(shades(readable(accent, LIGHT), LIGHT))
    dark = rules(shades(readable(accent, DARK), DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def rules(made: Shades) -> str:
    values = "; ".join(
        f"--{name.replace('_', '-')}: {written(value)}"
        for name, value in zip(
            ("accent", "accent_strong", "accent_soft", "on_accent"), made, strict=True
        )
    )
    return f":root:not([data-theme]) {{ {values} }}"


@lru_cache(maxsize=16)
def look(colour: str) -> str:
    """Return a name for the style sheet of a colour, which changes whenever its text does.

    Remembered, because each page asks for it, and the shades take a third of a millisecond.
    """
    digest = hashlib.sha256(style(colour).encode()).hexdigest()[:12]
    return f"{colour.removeprefix('#').lower()}-{digest}"
