"""Points: where a word was found, how nearly, and whether the name is whole."""

from types import SimpleNamespace

import pytest

from profiles.directory.query import Query
from profiles.directory.ranking import near_score, near_word_score, score, word_score

ROW = SimpleNamespace(
    name=" jean luc moreau ",
    headline=" keeper of lighthouses ",
    details=" peat coring \n galway ireland ",
)


@pytest.mark.parametrize(
    ("word", "points"),
    [
        ("luc", 100),
        ("mor", 60),
        ("mo", 60),
        ("oreau", 30),
        ("lighthouses", 40),
        ("light", 40),
        ("houses", 20),
        ("ireland", 25),
        ("gal", 25),
        ("land", 10),
        ("elsewhere", 3),
        # A word of two letters is looked for at the start of words alone.
        ("ea", 3),
        ("us", 3),
        ("nd", 3),
        ("co", 25),
        # The name comes first, then the headline, though others have the word as well.
        ("ean", 30),
        ("eper", 20),
    ],
)
def test_a_word_has_points_for_the_best_place_where_it_stands(word, points):
    assert word_score(word, ROW) == points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("luc keeper", 100 + 40),
        ('"keeper of" luc', 40 + 100),
        ("luc nowhere", 100 + 1),
        ("moreau jean luc", 3 * 100 + 1_000),
        ('"jean luc" moreau', 2 * 100 + 1_000),
        ("jean moreau", 2 * 100),
        ("jean luc moreau keeper", 3 * 100 + 40),
    ],
)
def test_a_query_has_the_points_of_its_words_and_more_for_a_whole_name(text, points):
    assert score(Query.of(text), ROW, 1) == points


@pytest.mark.parametrize(
    ("word", "near", "points"),
    [
        ("moreaux", {"moreau": 1}, 70 + 5),
        ("noreau", {"moreau": 1}, 70),
        ("mureou", {"moreau": 2}, 40 + 5),
        ("moreaux", {}, 0),
        ("moreaux", {"moreno": 1}, 0),  # a word of somebody else
        ("luca", {"luc": 1, "jean": 2}, 70 + 5),
    ],
)
def test_a_near_word_has_points_for_the_fewest_edits_and_the_first_letter(word, near, points):
    assert near_word_score(word, near, ROW.name.split(), 100) == pytest.approx(points)


@pytest.mark.parametrize(
    ("text", "near", "points"),
    [
        ("moreaux", {"moreaux": {"moreau": 1}}, 75),
        ("lighthousse", {"lighthousse": {"lighthouses": 1}}, 40 * 0.7 + 5),
        ("irelend", {"irelend": {"ireland": 1}}, 25 * 0.7 + 5),
        ("jeanluk", {"jeanluk": {"jeanluc": 1}}, 75),
        ("moreau", {}, 100),  # a word that is there as it is
        ("nowhere", {}, 3),
        ("jean luk moreaux", {"luk": {"luc": 1}, "moreaux": {"moreau": 1}}, 100 + 75 + 75 + 10),
        ("jean luk", {"luk": {"luc": 1}}, 100 + 75),
    ],
)
def test_near_words_of_names_come_before_those_of_headlines_and_of_details(text, near, points):
    """A name of as many words as were typed has some more."""
    assert near_score(Query.of(text), near, ROW) == pytest.approx(points)
