"""Each language is whole: all that the code marks is translated, and what is compiled is new."""

import io
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from tests.support.catalogues import COMPILED_CODE, all_of, catalogues, compiled, of_the_code, read

CATALOGUES = [pytest.param(path, id=path.parts[-3]) for path in catalogues()]
ROOT = Path(__file__).parents[2]
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# What the values of a text stand in, and tags: they are the same in each language.
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w+\}|</?\w+[^>]*>")


def forms(text) -> list[str]:
    """Return a text, or each of its forms for numbers."""
    return list(text) if isinstance(text, (list, tuple)) else [text]


def test_each_language_but_that_of_the_code_has_a_catalogue():
    written_in, *others = [code for code, _ in settings.LANGUAGES]

    assert {path.parts[-3] for path in catalogues()} == set(map(to_locale, others))
    assert written_in == "en-gb"


@pytest.mark.parametrize("path", CATALOGUES)
def test_every_text_is_translated(path):
    assert [entry.id for entry in read(path) if entry.id and not all_of(entry.string)] == []
    assert [entry.id for entry in read(path) if entry.id and entry.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGUES)
def test_a_translation_has_the_values_and_the_tags_of_its_text(path):
    different = [
        (entry.id, translated)
        for entry in read(path)
        if entry.id
        for translated in forms(entry.string)
        if not any(is_alike(text, translated) for text in forms(entry.id))
    ]

    assert different == []


def is_alike(text: str, translated: str) -> bool:
    ends = [each[: len(each) - len(each.lstrip())] for each in (text, translated)]
    return (
        Counter(PLACES.findall(text)) == Counter(PLACES.findall(translated))
        and text.endswith("\n") == translated.endswith("\n")
        and ends[0] == ends[1]
    )


@pytest.mark.parametrize("path", CATALOGUES)
def test_what_is_compiled_is_what_is_written(path):
    """Or else: make messages."""
    assert path.with_suffix(".mo").read_bytes() == compiled(read(path))
    assert COMPILED_CODE.read_bytes() == compiled(of_the_code(path))


@pytest.mark.parametrize("path", CATALOGUES)
def test_a_catalogue_has_the_texts_that_are_marked_and_no_others(path):
    """Or else: make messages."""
    marked = set()
    for source in [*ROOT.glob("p*/**/*.py"), *ROOT.glob("templates/**/*.*")]:
        text = source.read_text() if source.suffix in {".py", ".html", ".txt"} else ""
        if "translat" in text or "gettext" in text:
            is_python = source.suffix == ".py"
            # Between brackets, lines may begin anywhere.
            code = text if is_python else f"({templatize(text)})"
            found = extract("python", io.BytesIO(code.encode()), KEYWORDS)
            marked |= {(context, message) for _, message, _, context in found}

    assert {(entry.context, entry.id) for entry in read(path) if entry.id} == marked


def test_the_image_has_the_catalogues():
    assert "!locale" in (ROOT / ".dockerignore").read_text().splitlines()
