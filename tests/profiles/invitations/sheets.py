"""Small spreadsheets, written by hand as Excel and LibreOffice write them."""

import io
import zipfile
from datetime import date
from xml.sax.saxutils import escape

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def zipped(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def unpacked(parts: dict[str, str]) -> bytes:
    """The same, but not compressed, as the first part of an OpenDocument file is."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def xlsx(*sheets: list[list], hidden: int = 0, cells: str = "", name: str = "Sheet") -> bytes:
    """A workbook with these sheets, the first `hidden` of which are; or one of XML `cells`."""
    bodies = [cells] if cells else [rows(sheet) for sheet in sheets]
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONSHIPS}"><sheets>'
        + "".join(
            f'<sheet name="{name}{i}" sheetId="{i}" r:id="r{i}"'
            + (' state="hidden"' if i <= hidden else "")
            + "/>"
            for i in range(1, len(bodies) + 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{i}" Type="{RELATIONSHIPS}/worksheet" '
            f'Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(bodies) + 1)
        )
        + "</Relationships>",
    }
    for i, body in enumerate(bodies, 1):
        parts[f"xl/worksheets/sheet{i}.xml"] = (
            f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{body}</sheetData></worksheet>'
        )
    return zipped(parts)


def rows(sheet: list[list]) -> str:
    return "".join(
        f'<row r="{i}">{"".join(cell(j, i, value) for j, value in enumerate(row))}</row>'
        for i, row in enumerate(sheet, 1)
    )


def cell(column: int, row: int, value) -> str:
    place = f'r="{chr(ord("A") + column)}{row}"'
    if isinstance(value, date):
        return f'<c {place} t="d"><v>{value:%Y-%m-%d}</v></c>'
    if isinstance(value, int):
        return f"<c {place}><v>{value}</v></c>"
    if value.startswith("="):  # a formula, with what it came to
        formula, _, result = value[1:].partition("->")
        return f'<c {place} t="str"><f>{escape(formula)}</f><v>{escape(result)}</v></c>'
    return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def ods(sheet: list[list], repeat: int = 1) -> bytes:
    """A LibreOffice spreadsheet; its last row is repeated, as the empty rest of a sheet is."""
    table = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p>'
            "</table:table-cell>"
            for value in row
        )
        + "</table:table-row>"
        for row in sheet
    )
    empty = f'<table:table-row table:number-rows-repeated="{repeat}"><table:table-cell/>'
    empty += "</table:table-row>"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{OFFICE}:manifest:1.0"/>',
            "content.xml": f'<office:document-content xmlns:office="{OFFICE}:office:1.0" '
            f'xmlns:table="{OFFICE}:table:1.0" xmlns:text="{OFFICE}:text:1.0"><office:body>'
            f'<office:spreadsheet><table:table table:name="Members">{table}{empty}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )
