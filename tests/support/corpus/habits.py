"""PDFs with the habits of programs that write them, good and bad; made here, none is copied."""

from collections.abc import Callable
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from tests.support import samples

TEXT = b"BT /F1 24 Tf 40 700 Td (Curriculum vitae) Tj ET"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
    b"/Resources<</Font<</F1 5 0 R>>>>>>"
)
OBJECTS = {
    1: b"<</Type/Catalog/Pages 2 0 R>>",
    2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    3: PAGE,
    4: b"<</Length %d>>stream\n%b\nendstream" % (len(TEXT), TEXT),
    5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
}


def plain() -> bytes:
    return samples.handmade_pdf(OBJECTS)


def with_objects(**bodies: bytes) -> bytes:
    """Return the plain one with other bodies of some objects: _3=b"<<...>>"."""
    changed = {int(number[1:]): body for number, body in bodies.items()}
    return samples.handmade_pdf(OBJECTS | changed)


def replaced(number: int, old: bytes, new: bytes) -> bytes:
    return samples.handmade_pdf(OBJECTS | {number: OBJECTS[number].replace(old, new)})


def edited(edit: Callable[[pikepdf.Pdf], None], **options) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(plain())) as pdf:
        edit(pdf)
        pdf.save(out, **options)
    return out.getvalue()


def stream(pdf, content=b"", **entries):
    return pdf.make_indirect(pikepdf.Stream(pdf, content, Dictionary(**entries)))


def hybrid() -> bytes:
    """A table for old readers that names another for new ones (ISO 32000-1, 7.5.8.4)."""
    first = plain()
    start = first.rindex(b"xref\n0")
    table = samples.xref_stream(6, 7, b"", b"").replace(b"/Filter/FlateDecode", b"")
    changed = first[:start] + table + first[start:]
    changed = changed.replace(
        b"/Root 1 0 R>>\nstartxref", b"/Root 1 0 R/XRefStm %d>>\nstartxref" % start
    )
    return changed.replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(table)))


def updated_often(times=12) -> bytes:
    """Versions behind one another, as editors of forms write them; without a free first entry."""
    pdf = plain()
    previous = pdf.rindex(b"xref\n0")
    for number in range(times):
        start = len(pdf)
        new = b"5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Courier/V %d>>\nendobj\n" % number
        table = b"xref\n5 1\n%010d 00000 n \ntrailer\n<</Size 6/Root 1 0 R/Prev %d>>\n" % (
            start, previous,
        )  # fmt: skip
        previous = start + len(new)
        pdf += new + table + b"startxref\n%d\n%%%%EOF\n" % previous
    return pdf


def archived(pdf):
    """PDF/A-3 with its data attached, as invoices are."""
    with pdf.open_metadata() as metadata:
        metadata["pdfaid:part"], metadata["pdfaid:conformance"] = "3", "B"
    pdf.attachments["data.xml"] = pikepdf.AttachedFileSpec(pdf, b"<data/>", mime_type="text/xml")


def with_script(pdf):
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert('Hello');"))
    pdf.Root.OpenAction = script
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("name"), V=String("Ada"),
            Rect=Array([40, 600, 300, 630]), AA=Dictionary(K=script), F=4,
        )
    )  # fmt: skip
    pdf.pages[0].Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), NeedAppearances=True)


def with_xfa(pdf):
    with_script(pdf)
    template = stream(pdf, b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><template/></xdp:xdp>")
    pdf.Root.AcroForm.XFA = template


def signed(pdf):
    """A signature's places, as they are reserved before it is made."""
    value = pdf.make_indirect(
        Dictionary(
            Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), SubFilter=Name("/adbe.pkcs7.detached"),
            ByteRange=Array([0, 1000, 9000, 200]), Contents=String(b"\0" * 4000),
        )
    )  # fmt: skip
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String("Signature"), V=value,
            Rect=Array([0, 0, 0, 0]), P=pdf.pages[0].obj, F=132,
        )
    )  # fmt: skip
    pdf.pages[0].Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)


def with_layers(pdf):
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Print")))
    pdf.Root.OCProperties = Dictionary(
        OCGs=Array([layer]), D=Dictionary(Order=Array([layer]), OFF=Array([layer]))
    )


def tagged(pdf):
    pdf.Root.MarkInfo = Dictionary(Marked=True)
    pdf.Root.StructTreeRoot = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    pdf.Root.Lang = String("pl-PL")


def locked(user="", **options) -> bytes:
    encryption = pikepdf.Encryption(owner="the owner's", user=user, **options)
    return edited(lambda pdf: None, encryption=encryption)


def rows_of(pdf: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the table of objects, which is behind them."""
    start = pdf.rindex(b"xref\n0")
    return pdf[:start] + change(pdf[start:])


NOTHING = b"<</Type/Pages/Kids[]/Count 0>>"
RC4 = {"aes": False, "metadata": False}

HABITS = {
    "plain": plain,
    "hybrid tables": hybrid,
    "twelve updates": updated_often,
    "version 2.0": lambda: edited(lambda pdf: None, force_version="2.0"),
    "PDF/A with an attachment": lambda: edited(archived),
    "form with JavaScript": lambda: edited(with_script),
    "XFA form": lambda: edited(with_xfa),
    "signed": lambda: edited(signed),
    "layers": lambda: edited(with_layers),
    "tagged": lambda: edited(tagged),
    "compressed and linearized": lambda: edited(
        tagged, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate
    ),
    "no type of pages": lambda: replaced(2, b"/Type/Pages", b""),
    "no type of the page": lambda: replaced(3, b"/Type/Page", b""),
    "no type of the catalogue": lambda: replaced(1, b"/Type/Catalog", b""),
    "no length": lambda: replaced(4, b"/Length %d" % len(TEXT), b""),
    "length 0": lambda: replaced(4, b"/Length %d" % len(TEXT), b"/Length 0"),
    "length too long": lambda: replaced(4, b"/Length %d" % len(TEXT), b"/Length 99999"),
    "length elsewhere": lambda: with_objects(
        _4=b"<</Length 6 0 R>>stream\n%b\nendstream" % TEXT, _6=b"%d" % len(TEXT)
    ),
    "no end of the stream": lambda: replaced(4, b"endstream", b""),
    "stream that begins with CR": lambda: replaced(4, b"stream\nBT", b"stream\rBT"),
    "no contents": lambda: replaced(3, b"/Contents 4 0 R", b""),
    "contents that are missing": lambda: replaced(3, b"/Contents 4 0 R", b"/Contents 99 0 R"),
    "contents in pieces": lambda: replaced(3, b"/Contents 4 0 R", b"/Contents[4 0 R 4 0 R]"),
    "unknown filter": lambda: replaced(4, b"/Length", b"/Filter/Sqeeze/Length"),
    "no size of the page": lambda: replaced(3, b"/MediaBox[0 0 595 842]", b""),
    "size of the pages' tree": lambda: with_objects(
        _2=b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>",
        _3=PAGE.replace(b"/MediaBox[0 0 595 842]", b""),
    ),
    "upside down": lambda: replaced(3, b"0 0 595 842", b"595 842 0 0"),
    "page of 5 m": lambda: replaced(3, b"0 0 595 842", b"0 0 14400 14400"),
    "page of 350 m": lambda: replaced(3, b"0 0 595 842", b"0 0 1000000 1000000"),
    "page of a point": lambda: replaced(3, b"0 0 595 842", b"0 0 1 1"),
    "page without height": lambda: replaced(3, b"0 0 595 842", b"0 0 595 0"),
    "long strip": lambda: replaced(3, b"0 0 595 842", b"0 0 10 14400"),
    "page far away": lambda: replaced(3, b"0 0 595 842", b"-32000 -32000 -31405 -31158"),
    "size in words": lambda: replaced(3, b"[0 0 595 842]", b"[/a /b /c /d]"),
    "turned by 90": lambda: replaced(3, b"/Contents", b"/Rotate 90/Contents"),
    "turned by 45": lambda: replaced(3, b"/Contents", b"/Rotate 45/Contents"),
    "large unit": lambda: replaced(3, b"/Contents", b"/UserUnit 75000/Contents"),
    "no pages": lambda: with_objects(_2=NOTHING),
    "count 0": lambda: replaced(2, b"/Count 1", b"/Count 0"),
    "count -1": lambda: replaced(2, b"/Count 1", b"/Count -1"),
    "count 99": lambda: replaced(2, b"/Count 1", b"/Count 99"),
    "no count": lambda: replaced(2, b"/Count 1", b""),
    "page that is missing": lambda: replaced(2, b"[3 0 R]", b"[99 0 R 3 0 R]"),
    "page within the tree": lambda: replaced(2, b"3 0 R", PAGE),
    "no parent": lambda: replaced(3, b"/Parent 2 0 R", b""),
    "no font": lambda: replaced(3, b"5 0 R", b"99 0 R"),
    "5,000 pages": lambda: samples.pdf(pages=5000),
    "empty user's password, AES-256": lambda: locked(R=6),
    "empty user's password, AES-128": lambda: locked(R=4),
    "empty user's password, RC4": lambda: locked(R=2, **RC4),
    "user's password, AES-256": lambda: locked(user="secret", R=6),
    "user's password, RC4": lambda: locked(user="secret", R=2, **RC4),
    "table of 19 bytes a row": lambda: rows_of(plain(), lambda table: table.replace(b" \n", b"\n")),
    "table that begins with 1": lambda: rows_of(
        plain(), lambda table: table.replace(b"xref\n0 6\n", b"xref\n1 6\n", 1)
    ),
    "table of zeros": lambda: rows_of(
        plain(), lambda table: table.replace(b"n \n", b"f \n")
    ),
    "size too small": lambda: rows_of(plain(), lambda table: table.replace(b"/Size 6", b"/Size 3")),
    "old generation": lambda: plain().replace(b"5 0 obj", b"5 7 obj"),
    "comments between": lambda: edited(lambda pdf: None, qdf=True),
    "two pdfs": lambda: plain() + plain(),
}  # fmt: skip
ASK_FOR_A_PASSWORD = {name for name in HABITS if name.startswith("user's")}
