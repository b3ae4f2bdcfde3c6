"""Rules for columns of people who are replaced: names, texts, addresses and times of nobody.

A rule is a function of a Row and the name of a column, and returns the new value. Names and texts
keep what makes a page look as on live: the script, about the length, the number of words or
paragraphs. A rule that is applied to its own result returns it unchanged, so that a refresh may be
repeated.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.core.validators import MaxLengthValidator

from .chance import Chance, Row

Rule = Callable[[Row, str], object]

IDEOGRAPHS = (
    "安白北昌成川春达大丹德东方飞风福高光广海汉和恒宏华怀辉吉佳建江金京景静俊康兰乐磊力丽林凌龙"
    "鲁美民明宁平奇清秋泉荣瑞山尚胜石树思松泰涛天文武希夏贤祥晓新星秀雪雅阳一艺英永友宇玉元云泽"
    "振正志中竹卓子宗"
)
# Letters of a script that alternate in its invented words: first one of the one kind, then one of
# the other. Scripts that are not named here take letters as Unicode lists them.
LETTERS = {
    "LATIN": ("bdklmnrstvz", "aeiou"),
    "CYRILLIC": ("бвгдзклмнпрст", "аеиоу"),
    "GREEK": ("βγδζκλμνπρστ", "αεηιο"),
    "ARMENIAN": ("բգդզլկմնպրստ", "աեիօ"),
    "GEORGIAN": ("ბგდზკლმნპრსტ", "აეიოუ"),
    "HEBREW": ("בגדזלמנפקרשת", "אוי"),
    "ARABIC": ("بتجدرزسشفكلمن", "اوي"),
    "DEVANAGARI": ("कगचजटडतदनपबमरलवसह", "ािीुेो"),
    "HANGUL": ("".join(map(chr, range(0xAC00, 0xD7A4, 28))),) * 2,
    "CJK": (IDEOGRAPHS,) * 2,
}
ACCENTED = dict(zip("aeiou", "áéíöü", strict=True))
WITH_CAPITALS = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"}
WITHOUT_SPACES = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"}
DENSE = {"CJK", "HANGUL"}  # a character is a syllable: names of two to four
MIN_LETTERS = 10  # fewer beside them would make two equal names likely
LEAST_NAME, LEAST_DENSE_NAME = 12, 4  # characters: about 32 bits of chance
LEAST_WORD, LEAST_DENSE_WORD = 4, 2
MOST_WORDS = 4
FAMILY_NAMES = 100  # for each script and length: the most common one has one or two in a hundred
LEAST_TEXT = 16
TEXT_STEP = 8  # the length of a text is rounded up to a multiple: the exact one may be somebody's
PARAGRAPH = 40  # characters, at least
MOST_PARAGRAPHS = 8
VOCABULARY = 300
DOMAINS = (*("members.example",) * 15, "xn--bcher-kva.example")  # the ending is nobody's (RFC 2606)


def name(row: Row, column: str) -> str:
    """Return a name in the script of the old one, of about its length and number of words."""
    old = row.values[column]
    if not old.strip():
        return ""
    script = script_of(old)
    dense = script in DENSE
    length = between(LEAST_DENSE_NAME if dense else LEAST_NAME, len(old), limit(row, column))
    least = LEAST_DENSE_WORD if dense else LEAST_WORD
    count = between(1, len(old.split()), min(MOST_WORDS, (length + 1) // (least + 1)))
    chance = row.chance(column)
    letters = length - (count - 1)
    sizes = [letters // count + (number < letters % count) for number in range(count)]
    words = [word(chance, script, size) for size in sizes]
    if count > 1 and not dense and not chance.below(4):  # the others have rare family names
        words[-1] = family_name(chance, script, sizes[-1])
    if script == "LATIN" and not old.isascii():
        words[0] = words[0][0] + ACCENTED[words[0][1]] + words[0][2:]
    return " ".join(map(capitalized(script), words))


def family_name(chance: Chance, script: str, length: int) -> str:
    """Return a family name of those that several people have; the other words of theirs differ."""
    number = chance.rank_below(FAMILY_NAMES)
    return word(Chance("family name", script, length, number), script, length)


def text(row: Row, column: str) -> str:
    """Return a text in the script of the old one, with about its length and its paragraphs."""
    old = row.values[column]
    if not old.strip():
        return ""
    most = limit(row, column)
    length = between(min(LEAST_TEXT, most), -(-len(old) // TEXT_STEP) * TEXT_STEP, most)
    blocks = sum(bool(line.strip()) for line in old.splitlines())
    blocks = between(1, blocks, min(MOST_PARAGRAPHS, length // PARAGRAPH))
    letters = length - 2 * (blocks - 1)
    chance, script = row.chance(column), script_of(old)
    sizes = [letters // blocks + (number < letters % blocks) for number in range(blocks)]
    return "\n\n".join(sentences(chance, script, size) for size in sizes)


def address_of(label: str, key: str) -> Rule:
    """Return the rule for an e-mail address that belongs to the person whose key is in a column.

    All columns with a person's address get the same one. No two people share it: their keys are
    in it. Nothing can be delivered to it.
    """

    def address(row: Row, column: str) -> str:
        person = row.values[key]
        chance = Chance(label, person, "e-mail address")
        words = ".".join(word(chance, "LATIN", 4 + chance.below(6)) for _ in range(2))
        unique = f"{person:x}" if isinstance(person, int) else Chance(label, person).key.hex()[:32]
        return f"{words}.{chance.take(4).hex()}-{unique}@{chance.pick(DOMAINS)}"

    return address


def unusable_password(row: Row, column: str) -> str:
    """Return a value that no password matches, in Django's form for it."""
    return f"!{row.chance(column).take(20).hex()}"


def month(row: Row, column: str) -> datetime | None:
    """Return a time on the first day of the same month; times of one row keep their order."""
    old = row.values[column]
    if old is None:
        return None
    first = old.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first + timedelta(seconds=row.chance("time of the day").below(24 * 60 * 60))


def between(least: int, value: int, most: int) -> int:
    """Return the value, or the limit that it exceeds; `most` prevails, but 1 is the least."""
    return max(1, min(max(value, least), most))


def limit(row: Row, column: str) -> int:
    """Return how many characters a column takes."""
    limits = [
        validator.limit_value
        for validator in row.model._meta.get_field(column).validators
        if isinstance(validator, MaxLengthValidator)
    ]
    return min(limits, default=100_000)


def script_of(text: str) -> str:
    """Return the script of most letters in a text, as Unicode names it: LATIN, CYRILLIC, ..."""
    scripts = Counter(map(script_of_letter, filter(str.isalpha, text)))
    for script, _ in scripts.most_common():
        if letters_of(script):
            return script
    return "LATIN"


def script_of_letter(letter: str) -> str:
    return unicodedata.name(letter, "LATIN").partition(" ")[0]


def letters_of(script: str) -> tuple[str, str] | None:
    """Return the two kinds of letters of a script; None if it has too few to invent words."""
    if script in LETTERS:
        return LETTERS[script]
    letters = "".join(letters_by_script().get(script, ""))
    return (letters,) * 2 if len(letters) >= MIN_LETTERS else None


@lru_cache
def letters_by_script() -> dict[str, list[str]]:
    """Return the letters that Unicode lists for each script, those that stay as they are typed."""
    letters: dict[str, list[str]] = {}
    for letter in map(chr, range(0x20000)):
        is_plain = unicodedata.normalize("NFKC", letter) == letter
        if is_plain and letter.isalpha() and not letter.isupper():
            letters.setdefault(script_of_letter(letter), []).append(letter)
    return letters


def word(chance: Chance, script: str, length: int) -> str:
    """Return an invented word of a script."""
    kinds = letters_of(script) or LETTERS["LATIN"]
    return "".join(chance.pick(kinds[number % 2]) for number in range(length))


@lru_cache
def vocabulary(script: str, secret: str) -> list[str]:
    """Return the words of which texts are made: some are in many texts, as on live."""
    chance = Chance("vocabulary", script)
    return [word(chance, script, 2 + chance.below(8)) for _ in range(VOCABULARY)]


def sentences(chance: Chance, script: str, length: int) -> str:
    """Return sentences that have exactly this many characters."""
    words, space = vocabulary(script, settings.SECRET_KEY), " " * (script not in WITHOUT_SPACES)
    made = ""
    while len(made) < length:
        # The least of three: the first words are in most texts, the last ones in few.
        drawn = chance.several_below(VOCABULARY, 3 * 8)
        chosen = [words[min(drawn[at : at + 3])] for at in range(0, len(drawn), 3)]
        chosen[0] = capitalized(script)(chosen[0])
        made += space.join(chosen) + "." + " "
    made = made[:length]
    return made if made[-1].strip() else f"{made[:-1]}."


def capitalized(script: str) -> Callable[[str], str]:
    """Return the function that gives a word its capital, where the script has any."""
    return str.capitalize if script in WITH_CAPITALS else str
