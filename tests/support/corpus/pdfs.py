"""PDFs in the style of four producers, bent in some forty ways; made here, none is copied."""

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from io import BytesIO

import pikepdf

from tests.support import samples
from tests.support.corpus import habits


def by_hand() -> bytes:
    """A table of objects at the end, as most programs write it."""
    return habits.plain()


def saved(**options) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(by_hand())) as pdf:
        pdf.save(out, **options)
    return out.getvalue()


def compressed() -> bytes:
    """Objects and their table in streams, as word processors write it."""
    return saved(object_stream_mode=pikepdf.ObjectStreamMode.generate)


def linearized() -> bytes:
    """The first page first, as it is made for the web."""
    return saved(linearize=True)


def updated() -> bytes:
    """A second version behind the first, as editors of forms write it."""
    first = by_hand()
    previous = int(re.findall(rb"startxref\s+(\d+)", first)[-1])
    start = len(first)
    new = b"5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>\nendobj\n"
    table = b"xref\n5 1\n%010d 00000 n \ntrailer\n<</Size 6/Root 1 0 R/Prev %d>>\n" % (
        start,
        previous,
    )
    return first + new + table + b"startxref\n%d\n%%%%EOF\n" % (start + len(new))


PRODUCERS = {each.__name__: each for each in (by_hand, compressed, linearized, updated)}


def before(content: bytes):
    return lambda pdf: content + pdf


def behind(content: bytes):
    return lambda pdf: pdf + content


def replaced(old: bytes, new: bytes):
    """Replace bytes, the last time that they come."""
    return lambda pdf: new.join(pdf.rsplit(old, 1))


def startxref(change):
    """Change the offset that the end of the file names."""

    def bend(pdf):
        *_, last = re.finditer(rb"startxref\s+(\d+)", pdf)
        return pdf[: last.start(1)] + b"%d" % change(int(last[1])) + pdf[last.end(1) :]

    return bend


def locked(**passwords):
    def bend(pdf):
        out = BytesIO()
        with pikepdf.open(BytesIO(pdf)) as opened:
            opened.save(out, encryption=pikepdf.Encryption(**passwords))
        return out.getvalue()

    return bend


BENDS = {
    "as it is": lambda pdf: pdf,
    "before: line end": before(b"\n"),
    "before: white space": before(b" \t\r\n" * 30),
    "before: byte order mark": before(b"\xef\xbb\xbf"),
    "before: zeros": before(bytes(64)),
    "before: HTTP header": before(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n"),
    "before: printer's language": before(b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n"),
    "before: e-mail header": before(b"Content-Type: application/pdf\nX-Mailer: x\n\n"),
    "before: HTML": before(samples.HTML),
    "before: 900 bytes": before(b"x" * 900 + b"\n"),
    "before: 2,000 bytes": before(b"x" * 2000 + b"\n"),
    "behind: line ends": behind(b"\r\n" * 3000),
    "behind: zeros": behind(bytes(100_000)),
    "behind: spaces": behind(b" " * 2000),
    "behind: Ctrl-Z": behind(b"\x1a"),
    "behind: comment": behind(b"% made by a program\n"),
    "behind: HTML": behind(samples.HTML),
    "behind: much HTML": behind(samples.HTML * 100),
    "behind: printer's language": behind(b"\x1b%-12345X"),
    "behind: another end": behind(b"%%EOF\n"),
    "behind: junk": behind(bytes(range(256)) * 100),
    "startxref: 1 late": startxref(lambda offset: offset + 1),
    "startxref: 1 early": startxref(lambda offset: offset - 1),
    "startxref: 10 late": startxref(lambda offset: offset + 10),
    "startxref: 10 early": startxref(lambda offset: offset - 10),
    "startxref: 0": startxref(lambda offset: 0),
    "startxref: far behind": startxref(lambda offset: offset + 10**7),
    "startxref: far too large": startxref(lambda offset: 10**15),
    "line ends of Windows": lambda pdf: pdf.replace(b"\n", b"\r\n"),
    "line ends of old Macs": lambda pdf: pdf.replace(b"\n", b"\r"),
    "no %%EOF": replaced(b"%%EOF", b""),
    "half of %%EOF": replaced(b"%%EOF", b"%%E"),
    "no startxref": replaced(b"startxref", b""),
    "lacks 1 byte": lambda pdf: pdf[:-1],
    "lacks 5 bytes": lambda pdf: pdf[:-5],
    "lacks 30 bytes": lambda pdf: pdf[:-30],
    "half is missing": lambda pdf: pdf[: len(pdf) // 2],
    "version 2.0": lambda pdf: b"%PDF-2.0" + pdf[8:],
    "version 9.9": lambda pdf: b"%PDF-9.9" + pdf[8:],
    "no version": lambda pdf: b"%PDF-   " + pdf[8:],
    "no objects' size": replaced(b"/Size", b"/Sise"),
    "no root": replaced(b"/Root", b"/Rood"),
    "no end of an object": replaced(b"endobj", b"      "),
    "owner's password": locked(owner="secret", user=""),
    "user's password": locked(owner="other", user="secret"),
    "user's password alone": locked(owner="", user="secret"),
    "user's password, RC4": locked(owner="", user="secret", R=3, aes=False, metadata=False),
}
ASKS_FOR_A_PASSWORD = habits.ASK_FOR_A_PASSWORD | {
    name for name in BENDS if name.startswith("user's")
}


@cache
def good(producer: str) -> bytes:
    return PRODUCERS[producer]()


def bent(producer: str, name: str) -> bytes:
    return BENDS[name](good(producer))


def pdfs() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the name of each, and a function that makes its content."""
    for producer in PRODUCERS:
        for name in BENDS:
            yield f"{producer}, {name}.pdf", partial(bent, producer, name)
    yield from ((f"habit, {name}.pdf", make) for name, make in habits.HABITS.items())
