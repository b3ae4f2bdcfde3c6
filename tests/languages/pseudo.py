"""A language for tests alone, in which each translated text is ⟦between brackets⟧.

What a page shows outside of the brackets was not marked for translation, or is data. So that the
two can be told apart, data of these tests is written in Greek: letters from A to Z outside of
brackets are a fault.
"""

import gettext
import re
from html.parser import HTMLParser

from django.utils.translation import trans_real

CODE = "en-xa"
BEGIN, END = "⟦", "⟧"
LETTERS = re.compile(r"[A-Za-z]{2,}")
# Addresses of all kinds, names of files and formats, and keys: nobody translates them.
DATA = re.compile(
    r"https?://\S+|/[\w/.-]+/?|[\w.+-]+@[\w.-]+|[\w-]*\.(?:pdf|jpg|webp|csv|zip)\b|\{\w+\}|\w+\*+"
)
WORDS = {"aria-label", "aria-description", "alt", "title", "placeholder", "data-filter-title"}
BUTTONS = {"submit", "button", "reset"}
# Untranslated in Django itself: what icons are called, and how passwords are hashed.
OF_DJANGO = {
    *("True", "False", "None", "md5", "Search"),
    "If disabled, the current password for this user will be lost.",
    (
        "Whether the user will be able to authenticate using a password or not. If disabled, they"
        " may still be able to authenticate using other backends, such as Single Sign-On or LDAP."
    ),
}
NAMES = {"Message-ID"}
UNSEEN = {"script", "style", "code"}
WITHOUT_END = {"input", "img", "link", "meta", "br", "hr", "rect", "path", "circle", "ellipse"}
# A text that begins in one of these ends in it.
BLOCKS = {"p", "li", "td", "th", "h1", "h2", "h3", "label", "option", "button", "title", "legend"}


class Pseudo(gettext.NullTranslations):
    """The translations into the language, made when they are asked for."""

    code = CODE

    def __init__(self):
        super().__init__()
        self.asked: set[str] = set()

    def to_language(self):
        return self.code

    def gettext(self, message):
        self.asked.add(message)
        return marked(message)

    def ngettext(self, one, many, number):
        self.asked.add(one)
        return marked(one if number == 1 else many)


def marked(message: str) -> str:
    """Return a text between brackets, without its context."""
    return BEGIN + message.rpartition(trans_real.CONTEXT_SEPARATOR)[2] + END


class Mirrored(Pseudo):
    """The same texts in Hebrew letters, which run to the left; tags and values stay."""

    code = "he-xa"
    letters = str.maketrans("abcdefghijklmnopqrstuvwxyz", "אבגדהוזחטיכלמנסעפצקרשתםןףץ")
    kept = re.compile(r"(<[^>]*>|%(?:\(\w+\))?[sdr%]|\{\w+\}|&\w+;)")

    def gettext(self, message):
        parts = self.kept.split(super().gettext(message)[1:-1])
        return "".join(
            part if number % 2 else part.lower().translate(self.letters)
            for number, part in enumerate(parts)
        )

    def ngettext(self, one, many, number):
        return self.gettext(one if number == 1 else many)


class Text(HTMLParser):
    """The texts of a page that are not between brackets."""

    def __init__(self, page: str):
        super().__init__()
        self.depth = 0
        self.open: list[tuple[str, bool]] = []  # elements, and whether what is in them is data
        self.unmarked: list[str] = []
        self.feed(page.replace("<wbr>", ""))  # no text ends where a line may

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        for name, value in attributes:
            is_words = name in WORDS or name.startswith("data-text-")
            if is_words or (tag == "input" and name == "value" and values.get("type") in BUTTONS):
                self.unmarked += unmarked(value or "")
        is_other = values.get("lang", CODE) != CODE
        if tag not in WITHOUT_END:
            self.open.append((tag, is_other or tag in UNSEEN))

    def handle_endtag(self, tag):
        if tag in WITHOUT_END:
            return
        self.open.pop()
        if tag in BLOCKS:
            self.depth = 0  # of a text that was cut off

    def handle_data(self, data):
        if any(is_data for _, is_data in self.open):
            return
        outside = ""
        for character in data:
            self.depth += (character == BEGIN) - (character == END)
            if not self.depth and character != END:
                outside += character
        self.unmarked += words(outside)


def words(text: str) -> list[str]:
    """Return a text if it has letters and is no data."""
    text = " ".join(text.split())
    is_data = text in OF_DJANGO | NAMES or not LETTERS.search(DATA.sub("", text))
    return [] if is_data else [text]


def unmarked(text: str) -> list[str]:
    """Return what stands outside of brackets in a plain text."""
    while (inner := re.sub(f"{BEGIN}[^{BEGIN}{END}]*{END}", "", text)) != text:
        text = inner
    return words(text)
