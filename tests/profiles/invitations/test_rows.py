"""The rows that come of a list, each with its line, address, name and problem. Catalogue row N1."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile

from portal.sentences.stored import shown
from profiles.invitations import reading
from profiles.invitations.columns import Columns, columns_of
from profiles.invitations.reading import MAX_LINES, NO_ADDRESS, UNCLOSED, Row, read_file, read_text

LONG = "x" * 140_000  # more than the csv module takes for a cell
ADA, GRACE = Row(2, "ada@example.org", "Ada"), Row(4, "grace@example.org", "Grace")


def rows_of(*lines) -> list[Row]:
    return read_text("\n".join(lines)).rows


def titles(number) -> list[str]:
    return ["A title;"] * number


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        # The line of Excel about the separator, and what only looks like it.
        (["sep=|", "Ada|ada@example.org"], [ADA]),
        ([" SEP=| ", "Ada|ada@example.org"], [ADA]),
        (['sep="', "Ada;ada@example.org"], [ADA]),
        (["sep=", "Ada;ada@example.org"], [Row(1, "sep=", "", NO_ADDRESS), ADA]),
        (["sep=||", "Ada;ada@example.org"], [Row(1, "sep=||", "", NO_ADDRESS), ADA]),
        # A header beats the separator by which more lines have the same number of cells.
        (
            ["E-mail;Name", "ada@example.org;L, A", "grace@example.org;H, G"],
            [Row(2, "ada@example.org", "A L"), Row(3, "grace@example.org", "G H")],
        ),
        # Records of several lines.
        (
            ["Name,E-mail,Note", '"Ada","ada@example.org","5"" up', 'and more"', "Grace,g@e.org,"],
            [ADA, Row(4, "g@e.org", "Grace")],
        ),
        (
            ["Name,E-mail", '"Ada', 'L"",ada@example.org', "Grace,g@e.org"],
            [
                Row(2, "", "", UNCLOSED),
                Row(3, "ada@example.org", 'L""'),
                Row(4, "g@e.org", "Grace"),
            ],
        ),
        (
            ["Name,Note,E-mail", 'Ada "The,"x', 'y",ada@example.org', "Grace,,grace@example.org"],
            [Row(2, "ada@example.org", 'Ada "The'), GRACE],
        ),
        (
            ["Name,E-mail", '"Ada', 'L",ada@example.org'],
            [Row(2, "ada@example.org", "Ada L")],
        ),
        # As many lines as a record may have, and one more: looking for the ends of broken ones in
        # all lines behind it would take hours.
        (
            ["Name,E-mail", '"Ada', *[""] * (MAX_LINES - 3), '",ada@example.org'],
            [Row(2, "ada@example.org", "Ada")],
        ),
        (
            ['"Ada', *[""] * (MAX_LINES - 2), '",ada@example.org'],
            [Row(1, "", "", UNCLOSED), Row(MAX_LINES, "ada@example.org")],
        ),
        # A quotation mark of its own in the last line.
        (["Name,E-mail", 'Ada 5",ada@example.org'], [Row(2, "ada@example.org", 'Ada 5"')]),
        (
            ["Name,E-mail", f"{LONG},mary@example.org", "", "Grace,grace@example.org"],
            [Row(2, "", "", UNCLOSED), GRACE],
        ),
        (
            ["Name,E-mail", "Ada,ada@example.org", '"Mary,mary@example.org', f"{LONG},g@e.org"],
            [ADA, Row(3, "", "", UNCLOSED), Row(4, "", "", UNCLOSED)],
        ),
        # A row whose address is empty keeps its name.
        (["Name;E-mail", "Ada;ada@example.org", "Grace;"], [ADA, Row(3, "", "Grace", NO_ADDRESS)]),
        # The name in the cell of the address counts where there is no other.
        (["E-mail;Name", "Ada <ada@example.org>;"], [ADA]),
        (["E-mail;Name", "A. <ada@example.org>;Ada"], [ADA]),
        (["E-mail", "ada@example.org (Ada)"], [ADA]),
        # Without headers, two cells beside an address are a name; what is behind them is none.
        (["Ada;Lovelace;ada@example.org;London"], [Row(1, "ada@example.org", "Ada Lovelace")]),
        ([";;Ada;;;ada@example.org"], [Row(1, "ada@example.org", "Ada")]),
        (["A. <ada@example.org>;Ada"], [Row(1, "ada@example.org", "A. Ada")]),
        (["a@example.org", f"{'n' * 1001} m"], [
            Row(1, "a@example.org"), Row(2, "n" * 1000, "", NO_ADDRESS)
        ]),
        # Marks around a name or an address are none of it.
        (["'Ada' < mailto:ada@example.org > ;"], [Row(1, "ada@example.org", "Ada")]),
        (["(ada@example.org) 'Ada'"], [Row(1, "ada@example.org", "Ada")]),
        (["Ada: ada@example.org, "], [Row(1, "ada@example.org", "Ada:")]),
        (["ada@example.org or a@example.org"], [Row(1, "ada@example.org or a@example.org")]),
        # Headers below titles, as far as the tenth row that is not empty.
        ([*titles(8), ";", "", "E-mail;Name", "ada@example.org;Ada"], [ADA._replace(line=12)]),
        (
            [*titles(9), "E-mail;Name", "ada@example.org;Ada"],
            [Row(11, "ada@example.org", "Ada")],
        ),
        (
            [*titles(10), "E-mail;Name", "ada@example.org;Ada"],
            [*(Row(line, "A title", "", NO_ADDRESS) for line in range(1, 11)),
             Row(11, "E-mail Name", "", NO_ADDRESS), Row(12, "ada@example.org", "Ada")],
        ),
        # Empty rows are none of the ten, and what separates a title may be in cells below it.
        (
            [*[""] * 9, "Club, London", "Since, 1843", "E-mail;Name", "ada@example.org;L, A"],
            [Row(13, "ada@example.org", "A L")],
        ),
        # What stands above headers is kept if it is somebody, or was not read.
        (
            [LONG, "Mary <mary@example.org>", "A title", "E-mail;Name", "ada@example.org;Ada"],
            [Row(1, "", "", UNCLOSED), Row(2, "mary@example.org", "Mary"), ADA._replace(line=5)],
        ),
        # A second row of headers is a row like any other.
        (
            ["E-mail;Name", "ada@example.org;Ada", "E-mail;Name"],
            [ADA, Row(3, "E-mail", "Name")],
        ),
    ],
)  # fmt: skip
def test_a_list_becomes_exactly_these_rows(lines, rows):
    assert rows_of(*lines) == rows


@pytest.mark.parametrize("text", [LONG, f"{LONG}\nada", f'"{LONG}\n{LONG}"'])
def test_a_cell_that_is_longer_than_any_is_refused_in_words(text):
    with pytest.raises(ValidationError) as refused:
        read_text(text)

    assert refused.value.code == "no_address"


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["Name", "E-mail"], Columns(1, whole=0)),
        (["E-mail", "First name", "Last name"], Columns(0, first=1, last=2)),
        (["Last name", "E-mail", "First name", ""], Columns(1, first=2, last=0)),
        (["Name", "First name", "Last name", "E-mail"], Columns(3, None, 1, 2, ("Name",))),
        (["Name", "Vorname", "E-mail"], Columns(2, first=1, last=0)),
        (["Nome", "Cognome", "E-mail"], Columns(2, first=0, last=1)),
        (["E-mail", "First name"], Columns(0, first=1)),
        (["E-mail", "Last name"], Columns(0, last=1)),
        (["E-mail", "E-mail", "Phone", ""], Columns(0, unused=("E-mail", "Phone"))),
        (["Private e-mail address", "Name"], Columns(0, whole=1)),
        (["My mail to you", "Name"], Columns(0, whole=1)),
        (["Your e-mail"], None),
        (["Your e-mail", ""], None),
        (["E-mail"], Columns(0)),
        (["Name", "Phone"], None),
        (["E-mail", "ada@example.org"], None),
        ([], None),
    ],
)
def test_the_columns_of_a_header(header, columns):
    assert columns_of(header) == columns


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (Columns(0, whole=1), "Ada"),
        (Columns(0, first=1, last=2), "Ada L."),
        (Columns(0, first=2, last=1), "L. Ada"),
        (Columns(0, first=1), "Ada"),
        (Columns(0, last=2), "L."),
        (Columns(0, first=1, last=3), "Ada"),
        (Columns(0, whole=3), ""),
        (Columns(0), ""),
    ],
)
def test_the_name_in_a_row(columns, name):
    assert columns.name(["ada@example.org", "Ada", "L."]) == name


@pytest.mark.parametrize(
    ("first", "last", "name"), [("", "Curie", "Curie"), ("Ada", "", "Ada"), ("", "", "")]
)
def test_a_part_of_a_name_may_be_empty(first, last, name):
    row = Columns(0, first=1, last=2).name(["ada@example.org", first, last])

    assert row == name


@pytest.mark.parametrize(
    ("most", "is_read"), [(3, True), (2, False)], ids=["as many as may be", "one more"]
)
def test_people_are_counted_and_not_lines(monkeypatch, most, is_read):
    monkeypatch.setattr(reading, "MAX_ROWS", most)
    text = "a@example.org; b@example.org\n\nc@example.org"

    if is_read:
        assert len(read_text(text).rows) == most
        return
    with pytest.raises(ValidationError) as refused:
        read_text(text)
    assert refused.value.messages == ["This list has more than 2 lines. Please split it."]


def test_a_table_without_headers_has_no_notes():
    assert read_text("Ada;ada@example.org;London").notes == []
    noted = read_text("E-mail;Town;;Phone\nada@example.org;London;;")
    assert shown(noted.notes) == "Columns that are not used: Town, Phone."


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("\ufeffada@example.org".encode(), "ada@example.org"),
        ("\ufeffada@example.org".encode("utf-16-le"), "ada@example.org"),
        ("\ufeffada@example.org".encode("utf-16-be"), "ada@example.org"),
        ("ада@example.org".encode("utf-16-le"), "ада@example.org"),
        ("ада@example.org".encode("utf-16-be"), "ада@example.org"),
        ("ädä@example.org".encode("cp1252"), "ädä@example.org"),
    ],
)
def test_the_encoding_of_a_file_is_told_by_its_bytes(content, address):
    file = ContentFile(content, name="members")
    file.read()  # as whoever looked at it before

    assert read_file(file).rows == [Row(1, address)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfea",  # half a letter of UTF-16
        b"\xef\xbb\xbfada@example.org\xff",  # a mark of UTF-8 before what is none
        b"ada@example.org\0",
        b"ada@example.org\x81",  # in no encoding
        b"ada@example.org" + bytes(100),
    ],
)
def test_bytes_that_are_no_text_are_refused(content):
    with pytest.raises(ValidationError) as refused:
        read_file(ContentFile(content, name="members.csv"))

    assert refused.value.code == "unreadable"


class Lines(list):
    """Notes how many of the lines are read one by one."""

    reads = 0

    def __getitem__(self, which):
        self.reads += isinstance(which, int)
        return super().__getitem__(which)


def test_the_end_of_a_quotation_is_looked_for_in_some_lines_alone():
    """Or each of many that are never closed would cost all lines behind it."""
    lines = Lines(['"Ada', *["Grace"] * 1_000])

    assert list(reading.unbroken(lines, 0, ";")) == [(1, None)]
    assert lines.reads == MAX_LINES
