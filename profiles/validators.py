import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Marks that reverse the text behind them: "exe.fdp" is made to look like "pdf.exe".
TEXT_DIRECTION_MARKS = set(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

# Characters that show as a blank: fillers of Korean, and an empty cell of Braille.
BLANKS = set("\u115f\u1160\u2800\u3164\uffa0")


def is_printable(character: str) -> bool:
    """Return True if a name may hold a character: no control, line break or direction mark.

    Joiners (U+200C, U+200D) may: Persian and Indic names are written with them.
    """
    category = unicodedata.category(character)
    return category not in {"Cc", "Cs", "Zl", "Zp"} and character not in TEXT_DIRECTION_MARKS


def validate_printable(text):
    """Refuse invisible characters: they do harm in the subjects and file names made of a name."""
    if not all(map(is_printable, text)):
        raise ValidationError(
            _("Please use letters and signs that can be seen."), code="unprintable"
        )


def validate_visible(text):
    """Refuse a name without a visible character: its link in the directory could not be seen."""
    if not any(map(is_visible, text)):
        raise ValidationError(_("Please give a name that can be seen."), code="invisible")


def is_visible(character: str) -> bool:
    """Return True for a letter, number, punctuation mark or symbol that is not blank."""
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANKS
