import pytest

from portal.files.tables import column_widths, row_line, table_lines


def test_names_are_aligned_to_the_left_and_numbers_to_the_right():
    rows = [("field", "copied", "bytes"), ("profiles.Profile.avatar", 1200, "64.0 MB")]

    assert list(table_lines(rows)) == [
        "field                    copied    bytes",
        "profiles.Profile.avatar   1,200  64.0 MB",
    ]


def test_an_empty_cell_is_none_and_no_line_ends_with_blanks():
    assert list(table_lines([("", "deleted"), ("sessions", None), ("members", 0)])) == [
        "          deleted",
        "sessions",
        "members         0",
    ]


def test_a_table_of_words_can_be_indented():
    rows = [("bucket", "portal-media"), ("custom domain", "none")]

    assert list(table_lines(rows, left_columns=2, indent="  ")) == [
        "  bucket         portal-media",
        "  custom domain  none",
    ]


def test_a_table_without_rows_has_no_lines():
    assert list(table_lines([])) == []


def test_a_row_may_be_printed_before_the_others_are_known():
    """A wider cell than announced moves the rest of its own line, and is never cut."""
    assert row_line(("ok", "default", "it is so"), (5, 9, 0), left_columns=3) == (
        "ok     default    it is so"
    )
    assert row_line(("ok", "live protected", "it is so"), (5, 9, 0), left_columns=3) == (
        "ok     live protected  it is so"
    )


def test_rows_have_as_many_cells_as_the_headings():
    """A cell that is dropped would be a number that nobody misses."""
    with pytest.raises(ValueError, match="shorter"):
        list(table_lines([("field", "copied", "bytes"), ("avatar", 12)]))
    with pytest.raises(ValueError, match="shorter"):
        row_line(("ok", "default", "it is so"), (5, 9), left_columns=3)
    with pytest.raises(ValueError, match="shorter"):
        column_widths([("field", "copied"), ("avatar",)])
    assert column_widths([("field", 1_200), ("a", None)]) == [5, 5]
