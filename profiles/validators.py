import unicodedata

from django.core.exceptions import ValidationError

# Marks that reverse the text behind them: "exe.fdp" is made to look like "pdf.exe".
TEXT_DIRECTION_MARKS = set(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

# Letters and signs that leave the space they take empty: fillers of Korean, a cell of Braille.
BLANKS = set("\u115f\u1160\u2800\u3164\uffa0")


def is_printable(character: str) -> bool:
    """Whether a character may stand in a name: no control, no line break, no direction mark.

    Joiners (U+200C, U+200D) may: Persian and Indic names are written with them.
    """
    category = unicodedata.category(character)
    return category not in {"Cc", "Cs", "Zl", "Zp"} and character not in TEXT_DIRECTION_MARKS


def validate_printable(text):
    """Refuse what nobody can see: names reach mail subjects and file names, where it does harm."""
    if not all(map(is_printable, text)):
        raise ValidationError("Please use letters and signs that can be seen.", code="unprintable")


def validate_visible(text):
    """Refuse a name of which nothing shows: there would be no link to follow in the directory."""
    if not any(map(is_visible, text)):
        raise ValidationError("Please give a name that can be seen.", code="invisible")


def is_visible(character: str) -> bool:
    """Return True for a letter, number, punctuation mark or symbol that leaves a trace."""
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANKS
