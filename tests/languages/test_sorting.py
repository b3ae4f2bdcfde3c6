"""Names are in the order of German lists of names: DIN 5007, variant 1."""

import pytest

from profiles.directory.fold import sort_key
from tests.conftest import make_member


@pytest.mark.django_db
def test_names_with_umlauts_stand_where_germans_look_for_them(client):
    """Umlauts as their vowels, ß as ss, in every language of the site: people stay in one place."""
    names = ["Adler", "Ärmel", "Arnold", "Oder", "Öhm", "Ott", "Strasse", "Straße", "Ueber", "Über"]
    for number, name in enumerate(reversed(names)):
        make_member(f"m{number}@example.org", name=name, visibility="public")

    page = client.get("/members/", headers={"accept-language": "de"}).context["page"]

    shown = [profile.name for profile in page]
    assert [sort_key(name) for name in shown] == sorted(map(sort_key, names))
    assert shown.index("Adler") < shown.index("Ärmel") < shown.index("Arnold")
    assert shown.index("Oder") < shown.index("Öhm") < shown.index("Ott")
    assert sort_key("Straße") == sort_key("Strasse")
    assert sort_key("Über") == "uber"
