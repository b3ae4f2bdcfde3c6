"""Test files, good and hostile, and measurements of what it costs to clean them."""

import json
import os
import resource
import struct
import subprocess
import sys
import zlib
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pikepdf
import pillow_heif
from django.core.exceptions import ValidationError
from django.core.files import File
from PIL import Image, ImageCms, ImageDraw

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000

pillow_heif.register_heif_opener()  # so that Pillow writes "HEIF"


# Photos


def photo(size=(640, 480), mode="RGB"):
    """A soft gradient with a red upper left quarter, so that one can tell which way is up."""
    return drawn(size).convert(mode) if mode != "RGB" else drawn(size).copy()


@cache
def drawn(size):
    across = Image.linear_gradient("L").resize(size)
    around = Image.radial_gradient("L").resize(size)
    image = Image.merge("RGB", (across, around, across))
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1] // 2), fill=(220, 20, 20))
    return image


def encoded(image, kind, **options):
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(size=(640, 480), **options):
    return encoded(photo(size), "JPEG", **options) if options else plain_jpeg(size)


@cache
def plain_jpeg(size):
    return encoded(photo(size), "JPEG")


def png(size=(640, 480), **options):
    return encoded(photo(size), "PNG", **options)


def animation(kind, size=(200, 200)):
    """Two frames: red, then blue."""
    red, blue = Image.new("RGB", size, (220, 20, 20)), Image.new("RGB", size, (20, 20, 220))
    return encoded(red, kind, save_all=True, append_images=[blue], duration=100)


def exif(orientation):
    """Metadata as a camera writes it: its maker, the place, and the orientation."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010F] = "SecretMaker"
    data.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    return data


def png_chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(chunk, times=1):
    """A good PNG with a chunk of one's own put behind its header."""
    good = png((100, 100))
    return good[:33] + chunk * times + good[33:]


def blank_png(side):
    """A whole, black-and-white PNG of ``side`` times ``side`` pixels."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = deflated_zeros(side * (1 + (side + 7) // 8))
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def deflated_zeros(length):
    """``zlib.compress(bytes(length))`` without taking the time: one block, repeated."""
    block = 1 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = rest.compress(bytes(length % block)) + rest.flush()
    adler = struct.pack(">HH", length % 65521, 1)
    return b"\x78\xda" + packed * (length // block) + end + adler


def jpeg_with_scans(times):
    """A progressive JPEG whose last scan comes again and again: 42 bytes and 20 ms each."""
    good = encoded(Image.new("L", (5000, 4900), 128), "JPEG", progressive=True)
    last = good[good.rindex(b"\xff\xda") : -2]
    return good[:-2] + last * times + good[-2:]


def icc_of_steps(times):
    """A colour profile (ICC.1:2022, 7) whose one transform is the same matrix again and again."""
    good = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = struct.unpack_from(">L", good, 128)[0]
    table = [struct.unpack_from(">4sLL", good, 132 + 12 * i) for i in range(count)]
    tags = {name: good[start : start + length] for name, start, length in table}
    matrix = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, *[0.3] * 12)
    places = struct.pack(">LL", 16 + 8 * times, len(matrix)) * times
    tags[b"D2B0"] = b"mpet" + bytes(4) + struct.pack(">HHL", 3, 3, times) + places + matrix
    head, body = b"", b""
    for name, content in tags.items():
        start = 132 + 12 * len(tags) + len(body)
        head += struct.pack(">4sLL", name, start, len(content))
        body += content + bytes(-len(content) % 4)
    whole = good[4:8] + b"\x04\x40" + good[10:128] + struct.pack(">L", len(tags)) + head + body
    return struct.pack(">L", len(whole) + 4) + whole


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><script>1</script></svg>'
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 200 200\n%%EndComments\nshowpage\n%%EOF\n"
BROKEN_HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


# PDFs


def pdf(text="hello", pages=1, **options):
    out = BytesIO()
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page()
    document.docinfo["/Title"] = text
    if "encryption" not in options:
        options["static_id"] = True
    document.save(out, **options)
    return out.getvalue()


def locked_pdf(*, user, owner="the owner's", **options):
    return pdf(encryption=pikepdf.Encryption(owner=owner, user=user, **options))


def pdf_of_size(length, pages=1):
    """A PDF of exactly ``length`` bytes, most of which are a comment."""
    good = pdf(pages=pages)
    start = good.rindex(b"startxref")
    return good[:start] + b"%" + b"x" * (length - len(good) - 2) + b"\n" + good[start:]


PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
SMALL = {
    1: b"<</Type/Catalog/Pages 2 0 R>>",
    2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    3: PAGE,
}


def handmade_pdf(objects, trailer=b""):
    """A PDF of the given object bodies, by number from 1 without a gap; 1 is the catalogue."""
    out = bytearray(b"%PDF-1.5\n")
    table = bytearray(b"0000000000 65535 f \n")
    for number, body in sorted(objects.items()):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size, start = len(objects) + 1, len(out)
    out += b"xref\n0 %d\n%btrailer\n<</Size %d/Root 1 0 R%b>>\n" % (size, table, size, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def pdf_with_text(*pages):
    """A PDF whose pages have these lines of text: Latin letters, without brackets."""
    kids = b"".join(b"%d 0 R " % (4 + 2 * number) for number in range(len(pages)))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(pages)),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    }
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
    page += b"/Resources<</Font<</F 3 0 R>>>>>>"
    for number, text in enumerate(pages):
        lines = b"".join(b"(%b) Tj T* " % line.encode("cp1252") for line in text.split("\n"))
        content = b"BT /F 9 Tf 11 TL 40 800 Td %bET" % lines
        objects[4 + 2 * number] = page % (5 + 2 * number)
        objects[5 + 2 * number] = b"<</Length %d>>stream\n%b\nendstream" % (len(content), content)
    return handmade_pdf(objects)


def pdf_with_page_cycle():
    return handmade_pdf(SMALL | {2: b"<</Type/Pages/Kids[2 0 R]/Count 1>>"})


def deep_pdf(depth):
    """A page at the end of a chain of ``depth`` page tree nodes."""
    node = b"<</Type/Pages/Parent %d 0 R/Kids[%d 0 R]/Count 1>>"
    nodes = {number: node % (number - 1, number + 1) for number in range(3, depth + 2)}
    page = PAGE.replace(b"2 0 R", b"%d 0 R" % (depth + 1))
    return handmade_pdf({**SMALL, **nodes, depth + 2: page})


def wide_pdf(kids):
    """One page that is listed ``kids`` times: 6 bytes and 2 kB of memory each."""
    return handmade_pdf(SMALL | {2: b"<</Type/Pages/Count 1/Kids[" + b"3 0 R " * kids + b"]>>"})


def nested_pdf(depth):
    array = b"[" * depth + b"]" * depth
    return handmade_pdf(SMALL | {1: b"<</Type/Catalog/Pages 2 0 R/X " + array + b">>"})


def pdf_with_prev_loop():
    """A table of objects that names itself as the one before it."""
    start = handmade_pdf(SMALL).rindex(b"xref\n0")
    return handmade_pdf(SMALL, trailer=b"/Prev %d" % start)


def xref_stream(number, entries, packed, more=b""):
    head = b"<</Type/XRef/W[1 4 2]/Size %d/Root 1 0 R/Filter/FlateDecode/Length %d%b>>"
    return b"%d 0 obj\n%bstream\n%b\nendstream\nendobj\n" % (
        number,
        head % (entries, len(packed), more),
        packed,
    )


def pdf_with_object_stream(*, filler, length):
    """A catalogue in a compressed stream, beside an array of ``length`` bytes of ``filler``."""
    head, catalogue = b"1 0 2 40 ", SMALL[1].replace(b"2 0 R", b"4 0 R").ljust(40)
    array = b"[" + filler * (length // len(filler)) + b"]"
    packed = zlib.compress(head + catalogue + array)
    bodies = {
        3: PAGE.replace(b"2 0 R", b"4 0 R"),
        4: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        5: b"<</Type/ObjStm/N 2/First %d/Filter/FlateDecode/Length %d>>stream\n%b\nendstream"
        % (len(head), len(packed), packed),
    }
    out, rows = bytearray(b"%PDF-1.5\n"), [(0, 0, 0), (2, 5, 0), (2, 5, 1)]
    for number, body in bodies.items():
        rows.append((1, len(out), 0))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    rows.append((1, start, 0))
    table = zlib.compress(b"".join(struct.pack(">BIH", *row) for row in rows))
    out += xref_stream(6, 7, table)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def pdf_with_xref_chain(links, length):
    """Tables of objects of ``length`` bytes each when unpacked, every one naming another."""
    out, previous, offsets = bytearray(b"%PDF-1.5\n"), b"", []
    for number, body in SMALL.items():
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    row = struct.pack(">BIH", 1, 9, 0)
    packed = zlib.compress(row * (length // len(row)))
    for link in range(links):
        start = len(out)
        out += xref_stream(link + 4, length // len(row), packed, previous)
        previous = b"/Prev %d" % start
    start = len(out)
    rows = bytes(7) + b"".join(struct.pack(">BIH", 1, offset, 0) for offset in offsets)
    out += xref_stream(links + 4, 4, zlib.compress(rows), previous)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


# Costs


def costs(function, contents, folder, **limits):
    """Clean each of ``contents`` (name: bytes) with ``module.function``, in a fresh process.

    Returns {name: {"outcome": "accepted" or a code, "seconds": of work, "megabytes": peak growth,
    "own_megabytes": the same without the child}}.
    """
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    paths = [str(folder / name) for name in contents]
    child = subprocess.run(
        [sys.executable, "-m", "tests.support.samples", function, json.dumps(limits), *paths],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    return json.loads(child.stdout)


def main(function, limits, *paths):
    module, _, name = function.rpartition(".")
    clean, limits = getattr(import_module(module), name), json.loads(limits)
    Image.init()
    peak, report = peak_megabytes(), {}
    for path in map(Path, paths):
        with path.open("rb") as file:
            start = work_seconds()
            try:
                clean(File(file), **limits)
                outcome = "accepted"
            except ValidationError as error:
                outcome = error.code
        report[path.name] = {
            "outcome": outcome,
            "seconds": work_seconds() - start,
            "megabytes": peak_megabytes() - peak + child_peak_megabytes(),
            "own_megabytes": peak_megabytes() - peak,
        }
    sys.stdout.write(json.dumps(report))


def work_seconds():
    # Not by the clock: the machine that runs the tests may be busy with others.
    return sum(os.times()[:4])


def peak_megabytes():
    # Not RUSAGE_SELF: it begins with the peak of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / MEGABYTE


def child_peak_megabytes():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / MEGABYTE


if __name__ == "__main__":
    main(*sys.argv[1:])
