"""The corpus: what viewers show is accepted, in any case.

make test has a part of it, another each day, and make whole all. `make corpus` prints what each
file costs.
"""

from datetime import date

import pytest
from django.core.files.base import ContentFile

from tests.support.corpus import run
from tests.support.corpus.habits import HABITS
from tests.support.corpus.pdfs import ASKS_FOR_A_PASSWORD, BENDS, pdfs
from tests.support.corpus.photos import photos

PARTS = 60
TODAY = date.today().toordinal() % PARTS


def parameters(corpus):
    """The files, of which those of another day are for make whole; their names are their IDs."""
    return [
        pytest.param(
            name, *rest, id=name, marks=[] if number % PARTS == TODAY else pytest.mark.whole
        )
        for number, (name, *rest) in enumerate(corpus)
    ]


def outcome(content, *, is_pdf):
    return run.outcome_of(ContentFile(content), is_pdf=is_pdf)


def test_has_every_producer_bent_in_every_way():
    assert len(BENDS) >= 40
    assert len(list(pdfs())) == 4 * len(BENDS) + len(HABITS)


@pytest.mark.parametrize(("name", "make"), parameters(pdfs()))
def test_what_viewers_show_is_accepted_or_repaired(name, make, tmp_path):
    content, path = make(), tmp_path / "file.pdf"
    path.write_bytes(content)
    shown = {"PDFium": run.pdfium_shows(path), "poppler": run.poppler_shows(path)}

    verdict = outcome(content, is_pdf=True)

    if name.partition(", ")[2].removesuffix(".pdf") in ASKS_FOR_A_PASSWORD:
        assert verdict == "password"
    elif run.all_show(shown):
        assert verdict in {"accepted", "repaired"}
    elif not shown["PDFium"]:
        assert verdict in {"damaged", "no_pages", "not_a_pdf"}


@pytest.mark.parametrize(("name", "make", "is_harmless"), parameters(photos()))
def test_a_photo_is_accepted_unless_a_part_of_it_is_missing(name, make, is_harmless):
    verdict = outcome(make(), is_pdf=False)

    expected = {"accepted"} if is_harmless else {"accepted", "cut_off", "damaged", "not_a_photo"}
    assert verdict in expected
