"""Texts of all alphabets, as words of ASCII letters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.directory.fold import MAX_SORT_KEY, WORD, fold, sort_key

FOLDED = {
    "Jakub Hřebíček": "jakub hrebicek",
    "Łucja Wrońska-Żak": "lucja wronska zak",
    "Sólveig Þrastardóttir": "solveig thrastardottir",
    "Nguyễn Thảo Linh": "nguyen thao linh",
    "Yusuf Demirkıran": "yusuf demirkiran",
    "O'Brien O’Brien OʼBrien": "obrien obrien obrien",
    "Straße": "strasse",
    "Олександр Щербак": "oleksandr shcherbak",
    "Ἀλέξανδρος": "alexandros",
    "Андрей Вайс": "andrey vays",  # without its mark, the last letter would be another
    "王小明": "wangxiaoming",
    "C++, C# & .NET": "c++ c# net",
    "  two\n lines\t": "two lines",
    "!?": "",
    "": "",
}


@pytest.mark.parametrize(("text", "folded"), FOLDED.items())
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_text_is_folded_however_its_accents_are_typed(text, folded, form):
    assert fold(unicodedata.normalize(form, text)) == folded


@given(st.text())
def test_any_text_becomes_ascii_words_and_what_is_folded_stays_so(text):
    folded = fold(text)

    assert all(map(WORD.fullmatch, folded.split()))
    assert fold(folded) == folded
    assert len(sort_key(text)) <= MAX_SORT_KEY


def test_a_long_name_is_sorted_by_its_first_150_letters():
    assert sort_key("ä" * 151) == "a" * 150


def test_people_are_sorted_without_accents_and_the_nameless_are_last():
    names = ["Zahra", "Ánte", "Łucja", "Maria", "Ada", "Lu", "Øystein", "Åse", ""]

    assert sorted(names, key=sort_key) == [
        *["Ada", "Ánte", "Åse", "Lu", "Łucja", "Maria", "Øystein", "Zahra", ""]
    ]
