"""Which square of a photo a person wants: numbers in a form, with or without a preview."""

from collections.abc import Mapping
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

TURNS = (0, 90, 180, 270)  # degrees clockwise
MIN_SIDE = 0.1  # of the photo's short side


class Crop(NamedTuple):
    """A square: where it lies between the edges (0 to 1), its side, and how the photo is turned."""

    x: float = 0.5
    y: float = 0.5
    side: float = 1.0
    turn: int = 0

    @classmethod
    def of(cls, data: Mapping[str, str], prefix: str) -> dict | None:
        """Read the form's percentages; None stands for the middle. Raises ValidationError."""
        sent = {name: data.get(f"{prefix}-{name}") for name in ("x", "y", "zoom", "turn")}
        if not any(sent.values()):
            return None
        try:
            x, y = (float(sent[name] or 50) / 100 for name in ("x", "y"))
            side = 100 / float(sent["zoom"] or 100)
            turn = int(sent["turn"] or 0)
            crop = cls(x, y, side, turn)
        except (ValueError, ZeroDivisionError, OverflowError):
            raise unreadable() from None
        if not (0 <= x <= 1 and 0 <= y <= 1 and MIN_SIDE <= side <= 1 and turn in TURNS):
            raise unreadable()
        return None if crop == cls() else crop._asdict()


def unreadable():
    return ValidationError(
        _("The numbers of the cut are between 0 and 100 %, and the zoom between 100 and 1000 %."),
        code="crop",
    )
