"""Lines, CSV and spreadsheets in the dialects that programs write. Catalogue row N1."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.sentences.stored import shown
from profiles.invitations.reading import MAX_CELL, MAX_ROWS, Row, read_file, read_text, unmarked
from tests.support import samples

from . import sheets

PEOPLE = [("Ada Lovelace", "ada@example.org"), ("Łucja Nuñez", "lucja@example.org")]
TABLE = [["Name", "E-mail"], *map(list, PEOPLE)]


def read(content: bytes):
    return read_file(ContentFile(content, name="members"))


def found(reading) -> list[tuple[str, str]]:
    return [(row.name, row.address) for row in reading.rows if not row.problem]


def problems(reading) -> list[tuple[int, str]]:
    return [(row.line, row.problem) for row in reading.rows if row.problem]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_separator_and_newline_is_read(separator, newline):
    text = newline.join(separator.join(row) for row in TABLE)

    assert found(read_text(text)) == PEOPLE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_encoding_of_spreadsheets_is_read(encoding):
    text = "\r\n".join("\t".join(row) for row in TABLE)

    assert found(read(text.encode(encoding))) == PEOPLE


@pytest.mark.parametrize(
    ("content", "encodings"),
    [
        (b"a\0b\0cdefghijklmn", ["utf-8", "cp1252"]),  # 2 of 16: an eighth
        (b"a\0b\0c\0defghijklm", ["utf-16-le"]),
        (b"\0a\0b\0cdefghijklm", ["utf-16-be"]),
        (b"\0a\0b\0\0defghijklm", ["utf-8", "cp1252"]),  # on both sides
    ],
)
def test_more_zeros_than_an_eighth_on_one_side_alone_are_utf_16(content, encodings):
    assert unmarked(content) == encodings


def test_what_is_not_utf_8_is_read_as_windows_writes_it():
    assert found(read("Zoë Núñez;zoe@example.org".encode("cp1252"))) == [
        ("Zoë Núñez", "zoe@example.org")
    ]


def test_excels_line_about_the_separator_is_obeyed():
    text = 'sep=;\nName;E-mail\n"Lovelace; Ada";ada@example.org'

    reading = read_text(text)

    assert found(reading) == [("Lovelace; Ada", "ada@example.org")]
    assert reading.rows[0].line == 3


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Vorname;Name;E-Mail-Adresse", "Ada;Lovelace;ada@example.org"),
        ("Nachname;Vorname;E-Mail", "Lovelace;Ada;ada@example.org"),
        ("NOM;Prénom;Courriel", "Lovelace;Ada;ada@example.org"),
        ("Nombre;Apellidos;Correo electrónico", "Ada;Lovelace;ada@example.org"),
        ("Cognome;Nome;Indirizzo e-mail", "Lovelace;Ada;ada@example.org"),
        ("Имя;Фамилия;Электронная почта", "Ada;Lovelace;ada@example.org"),
        ("姓;名;メールアドレス", "Lovelace;Ada;ada@example.org"),
        ("First Name;Last Name;Phone;EMAIL", "Ada;Lovelace;01 23;ada@example.org"),
        ("e_mail;full name", "ada@example.org;Ada Lovelace"),
        ("E-mail (required);Name", "ada@example.org;Ada Lovelace"),
        ("Ad Soyad;E-posta", "Ada Lovelace;ada@example.org"),
    ],
)
def test_headers_are_found_in_many_languages(header, row):
    assert found(read_text(f"{header}\n{row}")) == [("Ada Lovelace", "ada@example.org")]


def test_a_title_above_the_headers_is_passed_over_and_unused_columns_are_told():
    text = "Members 2026;;\n;;\nName;E-mail;Town\nAda;ada@example.org;London"

    reading = read_text(text)

    assert found(reading) == [("Ada", "ada@example.org")]
    assert problems(reading) == []
    assert shown(reading.notes) == "Columns that are not used: Town."


def test_columns_below_a_heading_that_spans_two_are_told():
    text = "Name;;E-mail;;\nLovelace;Ada;ada@example.org;;\nCurie;Marie;marie@example.org;;"

    reading = read_text(text)

    assert found(reading) == [("Lovelace", "ada@example.org"), ("Curie", "marie@example.org")]
    assert shown(reading.notes) == (
        "Columns without a heading are not read: B. Please give each column of a name its own."
    )


def test_who_has_an_address_and_no_name_is_invited_all_the_same():
    text = (
        "First name;Last name;E-mail\nAda;Lovelace;ada@example.org\n;;Max Born <born@example.org>"
    )

    reading = read_text(text)

    assert found(reading) == [("Ada Lovelace", "ada@example.org"), ("Max Born", "born@example.org")]


@pytest.mark.parametrize(
    ("line", "people"),
    [
        ("ada@example.org", [("", "ada@example.org")]),
        ("Ada Lovelace <ada@example.org>", [("Ada Lovelace", "ada@example.org")]),
        ('"Lovelace, Ada" <ada@example.org>', [("Ada Lovelace", "ada@example.org")]),
        ("Ada Lovelace;+44 1632 960961;ada@example.org", [("Ada Lovelace", "ada@example.org")]),
        ("17;Ada Lovelace;ada@example.org", [("Ada Lovelace", "ada@example.org")]),
        ("Lovelace, Ada <ada@example.org>", [("Ada Lovelace", "ada@example.org")]),
        ("Ada Lovelace ada@example.org", [("Ada Lovelace", "ada@example.org")]),
        ("Ada;Lovelace;ada@example.org", [("Ada Lovelace", "ada@example.org")]),
        ('Ada 5" Lovelace <ada@example.org>', [('Ada 5" Lovelace', "ada@example.org")]),
        ("mailto:ada@example.org,", [("", "ada@example.org")]),
        ("MailTo:ada@example.org", [("", "ada@example.org")]),
        (
            "Ada <ada@example.org>, Grace <grace@example.org>",
            [("Ada", "ada@example.org"), ("Grace", "grace@example.org")],
        ),
        (
            "ada@example.org; grace@example.org",
            [("", "ada@example.org"), ("", "grace@example.org")],
        ),
    ],
)
def test_lines_without_headers_are_read_as_people_write_them(line, people):
    assert found(read_text(line)) == people


def test_a_line_break_within_quotation_marks_is_a_space():
    text = 'Name,E-mail\n"Ada\nLovelace",ada@example.org\nGrace,grace@example.org'

    reading = read_text(text)

    assert found(reading) == [("Ada Lovelace", "ada@example.org"), ("Grace", "grace@example.org")]
    assert [row.line for row in reading.rows] == [2, 4]


@pytest.mark.parametrize("end", ["", '\nHedy",hedy@example.org'])
def test_a_quotation_mark_that_is_never_closed_costs_its_own_line_alone(end):
    """N1: a half-broken file."""
    text = f'Name,E-mail\nAda,ada@example.org\n"Mary,mary@example.org\nGrace,grace@example.org{end}'

    reading = read_text(text)

    assert {"ada@example.org", "grace@example.org"} <= {address for _, address in found(reading)}
    assert problems(reading)[0][0] == 3
    assert "quotation mark" in problems(reading)[0][1]


def test_a_line_without_an_address_says_so():
    reading = read_text("Name;E-mail\nAda;ada@example.org\nGrace;\n\nMary;mary@example.org")

    assert len(found(reading)) == 2
    assert problems(reading) == [(3, "There is no e-mail address on this line.")]


def test_no_more_of_a_cell_is_read_than_a_name_can_need():
    [(name, _)] = found(read_text(f"Name;E-mail\n{'A' * 2 * MAX_CELL};ada@example.org"))

    assert name == "A" * MAX_CELL


def test_a_word_for_an_address_beside_one_is_no_header():
    reading = read_text("E-mail;ada@example.org\nE-mail;grace@example.org")

    assert [address for _, address in found(reading)] == ["ada@example.org", "grace@example.org"]


def test_a_row_that_ends_before_its_name_has_none():
    reading = read_text("E-mail;Name\nada@example.org\ngrace@example.org;Grace")

    assert found(reading) == [("", "ada@example.org"), ("Grace", "grace@example.org")]


def test_a_row_that_ends_before_its_address_says_so():
    reading = read_text("Name;Town;E-mail\nAda;London;ada@example.org\nGrace;New York\nMary")

    assert found(reading) == [("Ada", "ada@example.org")]
    assert [line for line, _ in problems(reading)] == [3, 4]


def test_an_excel_file_is_read():
    content = sheets.xlsx([["Name", "E-mail", "Since"], ["Ada Lovelace", "ada@example.org", 1843]])

    assert found(read(content)) == [("Ada Lovelace", "ada@example.org")]


def test_a_column_of_dates_is_passed_over():
    """The module of dates is imported before the child is confined: it opens no file after."""
    since = date(1843, 9, 1)
    content = sheets.xlsx([["Name", "E-mail", "Since"], ["Ada", "ada@example.org", since]])

    assert found(read(content)) == [("Ada", "ada@example.org")]


def test_many_sheets_and_columns_are_named_in_a_short_note():
    """N1: also without NUL, which PostgreSQL does not store."""
    headers = ["E-mail", *[f"Column {number}" + "x" * 1000 for number in range(25)]]
    content = sheets.xlsx([headers, ["ada@example.org"]], *[[["x"]]] * 30, name="S\0heet")

    columns, others = read(content).notes

    assert columns[1]["columns"].endswith(", …")
    assert len(columns[1]["columns"]) < 2_200
    assert (others[1]["sheet"], others[1]["others"][:15]) == ("Sheet1", "Sheet2, Sheet3,")
    assert others[1]["others"].endswith("Sheet21, …")


def test_titles_and_headers_of_a_sheet_take_no_room_from_people(monkeypatch):
    monkeypatch.setattr("profiles.invitations.reading.MAX_ROWS", len(PEOPLE))

    assert found(read(sheets.xlsx([["Members"], [""], *TABLE]))) == PEOPLE


def test_a_libreoffice_file_is_read():
    """With the million of empty rows that LibreOffice writes behind the last."""
    assert found(read(sheets.ods(TABLE, repeat=1_048_570))) == PEOPLE


def test_the_first_sheet_with_an_address_is_read_and_the_others_are_named():
    content = sheets.xlsx([["hidden@example.org"]], [["Notes"]], TABLE, hidden=1)

    reading = read(content)

    assert found(reading) == PEOPLE
    assert shown(reading.notes) == "Read from the sheet “Sheet3”. Not read: Sheet2."


def test_a_formula_is_what_it_had_come_to():
    content = sheets.xlsx([["=A2&B2->Ada Lovelace", "ada@example.org"]])

    assert found(read(content)) == [("Ada Lovelace", "ada@example.org")]


# Two cells in opposite corners: a reader that keeps a table of all between them takes gigabytes.
CORNERS = sheets.xlsx(
    cells='<row r="1"><c r="A1"><v>1</v></c></row>'
    '<row r="1048576"><c r="XFD1048576" t="str"><v>a@b</v></c></row>'
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (b"\xd0\xcf\x11\xe0" + bytes(2000), "damaged"),
        (sheets.xlsx(TABLE)[:-100], "damaged"),
        (CORNERS, "too_complex"),
        (bytes(range(256)), "unreadable"),
        (b"\x00\x01\x02" * 100, "unreadable"),
        (b"Ada Lovelace\nGrace Hopper", "no_address"),
        (b"a@example.org\n" * (MAX_ROWS + 1), "too_many"),
        (b'"a@example.org","\n' * (MAX_ROWS + 1), "too_many"),  # each line opens a quotation
        (b"x" * 5_000_001, "too_large"),
    ],
)
def test_what_is_no_list_is_refused_in_words(content, code):
    with pytest.raises(ValidationError) as refused:
        read(content)

    assert refused.value.code == code
    if code == "too_many":
        assert refused.value.messages == ["This list has more than 5,000 lines. Please split it."]


SCAN = b"\xff\xd8\xff\xe0" + bytes(6_000_000)
OLD_WORD = b"\xd0\xcf\x11\xe0" + bytes(500) + "WordDocument".encode("utf-16-le") + bytes(500)
TEXT_DOCUMENT = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (samples.pdf(text="ada@example.org"), "This is a PDF"),
        (b"%PDF-1.7\n%\xe2\xe3\x00", "This is a PDF"),
        (SCAN, "This is a picture"),
        (samples.jpeg((9, 9)), "This is a picture"),
        (samples.png(), "This is a picture"),
        (OLD_WORD, "This is a text document"),
        (sheets.zipped({"word/document.xml": "<a/>"}), "This is a text document"),
        (sheets.unpacked(TEXT_DOCUMENT), "This is a text document"),
        (rb"{\rtf1 Ada ada@example.org}", "This is a text document"),
        (b"<table><tr><td>Ada</td><td>ada@example.org</td></tr></table>", "This is a web page"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>ada@example.org", "This is a web page"),
        (b"BEGIN:VCARD\nFN:Ada\nEMAIL:ada@example.org\nEND:VCARD", "These are contacts"),
        (sheets.zipped({"Index/Document.iwa": "a"}), "This is a Numbers file"),
        (sheets.zipped({"members.csv": "ada@example.org"}), "This is an archive"),
    ],
)
def test_what_is_taken_for_a_list_is_named_and_another_way_told(content, told):
    with pytest.raises(ValidationError) as refused:
        read(content)

    assert refused.value.code == "other_kind"
    assert refused.value.messages[0].startswith(told)


@pytest.mark.parametrize(
    "line", ["<ada@example.org>", "II* Ada <ada@example.org>", "PK;ada@example.org"]
)
def test_a_list_that_begins_as_something_else_is_a_list(line):
    """The control of the refusals above."""
    assert [address for _, address in found(read(line.encode()))] == ["ada@example.org"]


def test_a_list_with_last_names_first_is_turned_and_tells_so():
    text = "Name;E-mail\nLovelace, Ada;ada@example.org\nvan der Zwaluw, Noor;noor@example.org"

    reading = read_text(f"{text}\nKing, PhD;king@example.org\n;nobody@example.org")

    assert [name for name, _ in found(reading)] == [
        "Ada Lovelace",
        "Noor van der Zwaluw",
        "King, PhD",
        "",
    ]
    told = "Names with a comma are turned: “Lovelace, Ada” becomes “Ada Lovelace”."
    assert shown(reading.notes) == told


def test_a_comma_in_one_name_of_several_stays():
    text = "Name;E-mail\nAda King, Countess of Lovelace;ada@example.org\nGrace;grace@example.org"

    reading = read_text(text)

    assert [name for name, _ in found(reading)] == ["Ada King, Countess of Lovelace", "Grace"]
    assert shown(reading.notes) == ""


def test_the_most_that_is_read_is_read():
    """The control of the refusal above."""
    assert len(read(b"a@example.org\n" * MAX_ROWS).rows) == MAX_ROWS


@given(st.text(max_size=200))
@hypothesis_settings(deadline=None)
def test_no_text_breaks_the_reader(text):
    """Any text is read or refused, and no line with an address alone is lost."""
    try:
        reading = read_text(text)
    except ValidationError:
        return
    assert all(isinstance(row, Row) and row.line >= 1 for row in reading.rows)


@given(st.lists(st.text(st.characters(exclude_characters='"\r\n', exclude_categories=["Cs"]))))
@hypothesis_settings(deadline=None)
def test_no_line_hides_the_one_after_it(lines):
    reading = read_text("\n".join([*lines, "ada@example.org"]))

    assert any(row.address == "ada@example.org" for row in reading.rows)
