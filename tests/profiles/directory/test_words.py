"""What is made of typed texts: words, phrases, near words, tags, pages and snippets."""

from types import SimpleNamespace

import pytest

from profiles.directory import near
from profiles.directory.near import can_be_near, deletions, nearest
from profiles.directory.paging import LongListPaginator
from profiles.directory.query import Query
from profiles.directory.snippets import CONTEXT, snippet_of
from profiles.directory.tags import place_parts, tag_key, unique_tags
from profiles.directory.words import MAX_WORD, spaced_words, words


@pytest.mark.parametrize(
    ("text", "words_of_it", "phrases", "parts"),
    [
        ("", (), (), []),
        ("Luc  LUC łuc", ("luc",), (), ["luc"]),
        ("li luc", ("li", "luc"), (), [" li", "luc"]),
        ('"Jean-Luc" “of peat” „x“ «y» ""', (), ("jean luc", "of peat", "x", "y"), None),
        ('a "b c" d "b c"', ("a", "d"), ("b c",), [" a", " d", " b c "]),
        ('one"two"three', ("one", "three"), ("two",), ["one", "three", " two "]),
        ('"!?" !?', (), (), []),
    ],
)
def test_a_text_is_words_and_phrases_each_once(text, words_of_it, phrases, parts):
    query = Query.of(text)

    assert (query.words, query.phrases) == (words_of_it, phrases)
    assert parts is None or query.parts == parts
    assert bool(query) is bool(words_of_it or phrases)


def test_the_words_of_a_resume_are_asked_for_by_their_starts_but_for_short_ones_and_phrases():
    long = "x" * (MAX_WORD + 1)

    asked = words(Query.of(f'peat li {long} "wet peat {long}"'))

    assert asked == [
        ("peat", True),
        ("li", False),
        (long[:MAX_WORD], True),
        ("wet", False),
        ("peat", False),
        (long[:MAX_WORD], False),
    ]


def test_no_phrase_reaches_from_one_text_into_the_next():
    assert spaced_words("wet peat", "", "y" * (MAX_WORD + 1)) == f" wet peat \n {'y' * MAX_WORD} "


@pytest.mark.parametrize(
    ("word", "is_possible"),
    [
        ("ab", False),
        ("abc", True),
        ("a" * 30, True),
        ("a" * 31, False),
        ("abc1", False),
        ("c++", False),
    ],
)
def test_words_of_some_letters_can_be_near(word, is_possible):
    assert can_be_near(word) is is_possible


@pytest.mark.parametrize(
    ("word", "other", "edits"),
    [
        ("luca", "luc", 1),
        ("luca", "ucal", None),
        ("luca", "lu", None),
        ("lucas", "luc", 2),
        ("lucas", "ulcas", 1),
        ("lucas", "ulcsa", 2),
        ("lucas", "lu", None),
        ("lucas", "lucas", 0),
    ],
)
def test_a_word_of_five_letters_may_have_two_edits_and_a_shorter_one_one(word, other, edits):
    assert nearest(word, {other}) == ({} if edits is None else {other: edits})


@pytest.mark.parametrize(
    ("word", "count"), [("abc", 4), ("abcd", 5), ("abcde", 16), ("abcdefgh", 29)]
)
def test_deletions_are_of_the_first_seven_letters(word, count):
    found = deletions(word)

    assert len(found) == count
    assert word[:7] in found


def test_no_more_words_of_a_query_are_compared_than_eight(monkeypatch):
    asked = []
    rows = SimpleNamespace(filter=lambda rest__in: asked.append(rest__in) or rows)
    rows.values_list = lambda *columns, flat: ["abcx"]

    found = near.near_words(["12", *(f"abc{letter}" for letter in "abcdefghi")], rows)

    assert list(found) == [f"abc{letter}" for letter in "abcdefgh"]
    assert found["abca"] == {"abcx": 1}
    assert "abch" in asked[0]
    assert "abci" not in asked[0]


def test_a_place_is_found_by_its_parts_and_a_tag_once_however_it_is_written():
    assert place_parts("Malmö ,Sweden") == ["Malmö ,Sweden", "Malmö", "Sweden"]
    tags = unique_tags("skill", ["GIS", "gis", "!?", "x" * 101])
    assert [(tag.kind, tag.key, tag.label) for tag in tags] == [
        ("skill", "gis", "GIS"),
        ("skill", "x" * 101, "x" * 100),
    ]
    assert tag_key("x" * 151) == "x" * 150


class Rows(list):
    """A list that is counted as far as it is asked, as those of the database."""

    def count_to(self, most):
        return min(len(self), most)


@pytest.mark.parametrize(
    ("asked", "most"),
    [(None, 1_000), ("", 1_000), ("2", 1_048), ("999999", 1_000 + 999_999 * 24)]
    + [(other, 1_000) for other in ("1000000", "x", "-1", "٣", "²")],
)
def test_a_list_is_counted_a_thousand_rows_behind_the_page(asked, most):
    assert LongListPaginator(Rows(), 24, asked=asked).most == most


@pytest.mark.parametrize(
    ("rows", "asked", "page", "count", "is_capped"),
    [
        (1_000, None, 24, 1_000, False),
        (1_001, None, 24, 1_000, True),
        (23, None, 23, 23, False),
        (24, "", 24, 24, False),
        (30, "2", 6, 30, False),
        (30, "9", 6, 30, False),
        (1_049, "2", 24, 1_048, True),
    ],
)
def test_a_page_has_its_rows_and_the_list_its_count(rows, asked, page, count, is_capped):
    paginator = LongListPaginator(Rows(range(rows)), 24, asked=asked)

    found = paginator.get_page(asked)

    assert len(found) == page
    assert (paginator.count, paginator.is_capped) == (count, is_capped)


def test_pages_far_away_are_left_out_of_the_numbers():
    page = LongListPaginator(Rows(range(480)), 24, asked="10").get_page("10")

    assert page.numbers() == [1, "…", 8, 9, 10, 11, 12, "…", 20]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("", "", ("", "")),
        ("x" * (CONTEXT - 1) + " ", " " + "y" * (CONTEXT - 1), ("x" * 49 + " ", " " + "y" * 49)),
        # One character more, and the first word and the last may be cut.
        ("a " + "x" * (CONTEXT - 2) + " ", "", ("… " + "x" * 48 + " ", "")),
        ("ab cd " + "x" * (CONTEXT - 4) + " ", "", ("… " + "x" * 46 + " ", "")),
        ("", " " + "y" * (CONTEXT - 4) + " cd ab", ("", " " + "y" * 46 + " …")),
    ],
)
def test_what_is_around_a_word_is_cut_between_words(before, after, shown):
    snippet = snippet_of(f"{before}Peat{after}", ["bog", "peat"])

    assert (snippet.before, snippet.word, snippet.after) == (shown[0], "Peat", shown[1])
