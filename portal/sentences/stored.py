"""Sentences that a row keeps for somebody who reads them later, perhaps in another language.

A row keeps the English text, by which the catalogues name a sentence, and the values in it apart
from it. The sentence is translated when it is shown. Plain text is taken for a sentence without
values, and text that no catalogue has is shown as it is.
"""

import json

from django.core.exceptions import ValidationError
from django.utils.translation import gettext, override

Sentence = list  # the English text, and a dict of the values in it


def sentence(text, **values) -> Sentence:
    """Return a sentence as JSON can hold it; `text` is marked, by gettext_lazy or gettext_noop."""
    with override(None):  # no language: a lazy text is what stands in the code
        return [str(text), {name: plain(value) for name, value in values.items()}]


def plain(value):
    """Return a value in a sentence as JSON can hold it."""
    return value if isinstance(value, int | float) else str(value)


def stored(*sentences: Sentence) -> str:
    """Return sentences as the value of a text column; empty if there are none."""
    if len(sentences) == 1 and not sentences[0][1]:
        return sentences[0][0]
    return json.dumps(sentences, ensure_ascii=False) if sentences else ""


def stored_error(error: ValidationError) -> str:
    """Return what an error says as the value of a text column."""
    return stored(*(sentence(each.message, **each.params or {}) for each in error.error_list))


def shown(kept: str | list[Sentence]) -> str:
    """Return what a row keeps in the language of whoever reads it.

    `kept` is the value of a text column, or a list of sentences that JSON has held.
    """
    sentences = read(kept) if isinstance(kept, str) else kept
    return " ".join(
        gettext(text) % values if values else gettext(text) for text, values in sentences
    )


def read(text: str) -> list[Sentence]:
    """Return the sentences that stored() has written."""
    if text.startswith("[["):
        try:
            return [[english, dict(values)] for english, values in json.loads(text)]
        except (TypeError, ValueError):  # plain text that begins so
            pass
    return [[text, {}]] if text else []
