"""What a resume is, whatever is sent for one."""

import sys

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.uploads.resumes import clean_resume
from tests.support import samples

MAX_BYTES = 10 * 1024 * 1024

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from Linux's /proc"
)


def clean(content, max_bytes=MAX_BYTES):
    """The file to store, without the facts about it."""
    return clean_resume(ContentFile(content), max_bytes=max_bytes)[0]


def refusal(content, max_bytes=MAX_BYTES):
    with pytest.raises(ValidationError) as refused:
        clean(content, max_bytes)
    return refused.value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(samples.pdf(), id="P1-plain"),
        pytest.param(samples.pdf() + b"\r\n\0\0\n", id="P1-line ends and padding behind the end"),
        pytest.param(samples.pdf(linearize=True), id="P1-linearized"),
        pytest.param(samples.locked_pdf(user=""), id="P2-owner password"),
        pytest.param(samples.handmade_pdf(samples.SMALL), id="P1-by hand"),
        pytest.param(
            samples.pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate), id="P1-object stream"
        ),
        pytest.param(
            samples.pdf_with_object_stream(filler=b"0 ", length=1000), id="P4-object stream by hand"
        ),
        pytest.param(samples.pdf_with_xref_chain(3, 7_000), id="P4-three updates"),
        pytest.param(samples.deep_pdf(20), id="P4-twenty levels"),
        pytest.param(samples.nested_pdf(20), id="P4-twenty brackets"),
        pytest.param(samples.wide_pdf(20), id="P4-twenty kids"),
    ],
)
def test_keeps_a_pdf_byte_for_byte(content):
    """P1, P2, P4: what the refusals below are to be compared with."""
    file = clean(content)

    assert file.tell() == 0
    assert file.read() == content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "empty", id="P1-nothing"),
        pytest.param(b"%PDF-", "damaged", id="P1-five bytes"),
        pytest.param(samples.HTML, "not_a_pdf", id="P1-HTML"),
        pytest.param(samples.jpeg(), "not_a_pdf", id="P1-photo"),
        pytest.param(samples.HTML * 20 + samples.pdf(), "not_a_pdf", id="P1-much HTML before"),
        pytest.param(samples.pdf(pages=99)[:3000], "damaged", id="P1-half"),
        pytest.param(b"%PDF-1.7\nstartxref\n9\n%%EOF\n", "damaged", id="P1-nothing inside"),
        pytest.param(samples.pdf(pages=0), "no_pages", id="P1-no pages"),
        pytest.param(samples.locked_pdf(user="secret"), "password", id="P2-user password"),
        *(
            pytest.param(
                samples.locked_pdf(user="secret", owner="", R=revision, **options),
                "password",
                id=f"P9-no owner password, revision {revision}",
            )
            for revision, options in [
                (2, {"aes": False, "metadata": False}),
                (3, {"aes": False, "metadata": False}),
                (4, {}),
                (6, {}),
            ]
        ),
    ],
)
def test_refuses(content, code):
    """P1, P2: the positive controls are in test_keeps_a_pdf_byte_for_byte."""
    error = refusal(content)

    assert error.code == code
    assert ". Please " in error.messages[0]


@pytest.mark.whole
@needs_proc
def test_bombs_cost_little(tmp_path):
    """P4: each of these takes seconds or gigabytes of some library, if it is let."""
    contents = {
        "object stream": samples.pdf_with_object_stream(filler=b"0 ", length=32 * 1024**2),
        "object stream of spaces": samples.pdf_with_object_stream(
            filler=b" ", length=100 * 1024**2
        ),
        "many tables": samples.pdf_with_xref_chain(60, 14 * 1024**2),
        "page cycle": samples.pdf_with_page_cycle(),
        "deep tree": samples.deep_pdf(100_000),
        "deep array": samples.nested_pdf(5_000_000),
        "wide tree": samples.wide_pdf(1_500_000),
        "loop of tables": samples.pdf_with_prev_loop(),
    }

    costs = samples.costs(
        "profiles.uploads.resumes.clean_resume", contents, tmp_path, max_bytes=MAX_BYTES
    )

    harmless = {name for name, cost in costs.items() if cost["outcome"] == "accepted"}
    assert harmless == {"object stream", "wide tree", "loop of tables"}  # to PDFium
    assert {cost["outcome"] for cost in costs.values()} == {"accepted", "damaged", "too_complex"}
    assert max(cost["seconds"] for cost in costs.values()) < 2
    assert max(cost["megabytes"] for cost in costs.values()) < 150


def test_accepts_the_limit_itself():
    """P5: 10 MB in 2,590 pages; the limit; one byte more."""
    content = samples.pdf_of_size(MAX_BYTES, pages=2590)

    assert clean(content).size == MAX_BYTES
    assert refusal(content + b"\n").code == "too_large"


def test_reads_no_byte_of_a_file_that_is_too_large():
    class Unread(ContentFile):
        def read(self, *args):
            raise AssertionError("read")

    file = Unread(samples.pdf())

    with pytest.raises(ValidationError) as refused:
        clean_resume(file, max_bytes=file.size - 1)

    assert refused.value.code == "too_large"


ORIGINALS = [
    samples.handmade_pdf(samples.SMALL),
    samples.pdf(),
    samples.pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate),
]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    content=st.sampled_from(ORIGINALS),
    edits=st.lists(
        st.tuples(st.integers(9, 3000), st.integers(0, 8), st.binary(max_size=8)),
        min_size=1,
        max_size=5,
    ),
)
def test_answers_to_any_damage_with_the_file_or_a_sentence(content, edits):
    """P1: no broken file raises anything that a form would not show."""
    body, ending = content[: content.rindex(b"startxref")], content[content.rindex(b"startxref") :]
    damaged = bytearray(body)
    for start, length, new in edits:
        start %= len(body)
        damaged[start : start + length] = new
    damaged = b"%PDF-1.7\n" + bytes(damaged[9:]) + ending

    try:
        stored, facts = clean_resume(ContentFile(damaged), max_bytes=MAX_BYTES)
    except ValidationError as error:
        answer = bool(error.code), error.messages[0][-1]
    else:
        content = stored.read()
        answer = content.startswith(b"%PDF-"), facts["is_repaired"] == (content != damaged)

    assert answer in {(True, True), (True, ".")}
