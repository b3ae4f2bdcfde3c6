"""The filters of the list, and what is suggested for them."""

import pytest

from profiles.directory.forms import Asked
from profiles.kept import _rendered
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = pytest.mark.django_db


def add(name, place, skills, **fields):
    profile = make_member(f"{name}@example.org".lower(), name=name, visibility="public").profile
    profile.place, profile.skills = place, skills
    profile.place_visibility = profile.skills_visibility = "everyone"
    for field, value in fields.items():
        setattr(profile, field, value)
    profile.save()
    return profile


@pytest.fixture
def society(db):
    add("Adaeze", "Malmö, Sweden", "GIS, Python")
    add("Ante", "Jokkmokk, Sweden", "Snow, Python", skills_visibility="members")
    add("Zahra", "Uppsala, Sweden", "gis, R", place_visibility="nobody")
    add("Yusuf", "İzmir, Türkiye", f"Optics, {'x' * 100}")
    Profile.objects.filter(name__in=["Ante", "Yusuf"]).update(resume="resumes/a.pdf")


def names(client, query):
    return [profile.name for profile in client.get(f"/members/?{query}").context["page"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("place=sweden", ["Adaeze", "Ante"]),
        ("place=MALMO", ["Adaeze"]),
        ("place=Malmö, Sweden", ["Adaeze"]),
        ("place=izmir", ["Yusuf"]),
        ("skill=GIS", ["Adaeze", "Zahra"]),
        ("skill=python", ["Adaeze", "Ante"]),
        ("skill=python&skill=gis", ["Adaeze"]),
        ("skill=python&place=sweden&resume=on", ["Ante"]),
        ("skill=python&place=sweden&sort=new", ["Ante", "Adaeze"]),
        ("place=sweden&letter=a&q=jokkmokk", ["Ante"]),
        ("q=sweden", ["Adaeze", "Ante"]),
        ("q=sweden&skill=gis", ["Adaeze"]),
        ("skill=pyth", []),
        (f"skill={'x' * 101}", ["Yusuf"]),
        ("q=%20optics%20&place=%20izmir%20", ["Yusuf"]),
        (f"q={'x' * 101}", ["Adaeze", "Ante", "Yusuf", "Zahra"]),
        ("sort=newest", ["Adaeze", "Ante", "Yusuf", "Zahra"]),
        ("letter=zz", ["Adaeze", "Ante", "Yusuf", "Zahra"]),
        ("letter=z", ["Zahra"]),
        ("place=uppsala", []),
        ("place=%21%21&skill=%20&skill=", ["Adaeze", "Ante", "Yusuf", "Zahra"]),
        (f"place={'x' * 200}", ["Adaeze", "Ante", "Yusuf", "Zahra"]),
        ("skill=%00", ["Adaeze", "Ante", "Yusuf", "Zahra"]),
    ],
)
def test_filters_combine(client, society, member, query, found):
    member.profile.delete()
    client.force_login(member)

    assert names(client, query) == found


def test_no_more_skills_are_asked_for_than_a_page_can_name(client):
    add("Adaeze", "", "A1, A2, A3, A4, A5")

    assert names(client, "skill=a1&skill=a2&skill=a3&skill=a4&skill=other") == []
    five = "skill=a1&skill=a2&skill=a3&skill=a4&skill=a5"
    assert names(client, f"{five}&skill=other") == ["Adaeze"]


def test_suggestions_are_kept_by_no_browser(client, society):
    """They are others for whoever logs in or out."""
    response = client.get("/members/suggestions/skill/?q=g")

    assert "no-store" in response["Cache-Control"]


def test_each_filter_is_a_chip_that_takes_it_away_and_keeps_the_rest(client, society, member):
    client.force_login(member)

    page = client.get("/members/?place=sweden&skill=R&skill=GIS&resume=on&q=z&sort=new&page=2")
    chips = {chip.label: chip.query_without for chip in page.context["form"].chips()}

    assert chips == {
        "sweden": "skill=R&skill=GIS&resume=on&q=z&sort=new",
        "R": "place=sweden&skill=GIS&resume=on&q=z&sort=new",
        "GIS": "place=sweden&skill=R&resume=on&q=z&sort=new",
        "With a resume": "place=sweden&skill=R&skill=GIS&q=z&sort=new",
    }
    html = page.content.decode()
    for query in chips.values():
        assert f'href="/members/?{query.replace("&", "&amp;")}"' in html
    assert '<input type="hidden" name="skill" value="GIS">' in html, "the next search keeps it"
    assert 'name="place" value="sweden"' in html


ASKED = "/members/?q=z&place=%20Graz&skill=R&skill=gis&skill=r&letter=a&sort=new&resume=on"


def test_the_search_box_shows_what_was_asked(client, member):
    """A visitor is not offered to ask who has a resume, and is not told by an address either."""
    texts = "z", " Graz", ("r", "gis"), "a"
    visitor = client.get(ASKED)
    client.force_login(member)
    others = client.get(ASKED), client.get("/members/")

    asked = [page.context["form"].asked() for page in (visitor, *others)]

    assert asked == [
        Asked(*texts, newest_first=True, with_resume=False, may_ask_for_resumes=False),
        Asked(*texts, newest_first=True, with_resume=True, may_ask_for_resumes=True),
        Asked("", "", (), "", False, False, True),
    ]
    chosen = [
        [label for label, _, is_chosen in page.context["form"].letters() if is_chosen]
        for page in (visitor, *others)
    ]
    assert chosen == [["A"], ["A"], ["All"]]
    offered = ['name="resume"' in page.content.decode() for page in (visitor, *others)]
    assert offered == [False, True, True]


def test_letters_and_pages_keep_the_filters(client, society, member):
    for number in range(25):
        add(f"N{number}", "Oslo, Norway", "GIS")
    client.force_login(member)

    html = client.get("/members/?place=Norway&skill=GIS").content.decode()

    assert 'href="?place=Norway&amp;skill=GIS&amp;letter=b"' in html
    assert 'href="?place=Norway&amp;skill=GIS&amp;page=2"' in html
    assert len(names(client, "place=Norway&skill=GIS&page=2")) == 1


@pytest.mark.parametrize(("length", "is_kept"), [(20, True), (200, False)])
def test_a_long_query_is_repeated_and_kept_nowhere(client, society, length, is_kept):
    """Anybody may send one, and its page repeats it with each letter of the alphabet."""
    typed = "x" * length
    client.get("/members/")
    before = _rendered.cache_info().currsize

    html = client.get(f"/members/?place={typed}").content.decode()

    assert f'href="?place={typed}&amp;letter=b"' in html
    assert (_rendered.cache_info().currsize > before) is is_kept


def test_an_empty_list_shows_what_there_is_instead(client, society, member):
    client.force_login(member)

    page = client.get("/members/?place=Sweeden&skill=Pyhton&skill=xylophone")

    assert page.context["alike"] == [("place", "Sweden")]
    html = page.content.decode()
    assert 'href="/members/?place=Sweden"' in html
    assert 'href="/members/?q=Sweeden%20Pyhton%20xylophone"' in html
    assert client.get("/members/?skill=Pytho").context["alike"] == [("skill", "Python")]


@pytest.mark.parametrize(
    ("kind", "text", "for_visitors", "for_members"),
    [
        ("skill", "g", ["GIS"], ["GIS"]),
        ("skill", "PYT", ["Python"], ["Python"]),
        ("skill", "sn", [], ["Snow"]),
        ("place", "swe", ["Sweden"], ["Sweden"]),
        ("place", "upps", [], []),
        ("place", "iz", ["İzmir", "İzmir, Türkiye"], ["İzmir", "İzmir, Türkiye"]),
        ("place", "", [], []),
        ("place", "%", [], []),
        ("skill", "x" * 101, ["x" * 100], ["x" * 100]),  # what is typed is cut
        ("skill", "x" * 99 + "y", [], []),
    ],
)
def test_what_is_suggested_begins_as_one_types(
    client, society, member, kind, text, for_visitors, for_members
):
    def suggested():
        return client.get(f"/members/suggestions/{kind}/", {"q": text}).json()["suggestions"]

    assert suggested() == for_visitors
    client.force_login(member)
    assert suggested() == for_members


def test_the_most_common_is_suggested_first_and_eight_at_most(client, society, member):
    add("Gina", "Oslo", "Geology, Gf, Ge, Gd, Gc, Gb, Ga, Gz")
    client.force_login(member)

    suggested = client.get("/members/suggestions/skill/?q=g").json()["suggestions"]

    assert suggested == ["GIS", "Ga", "Gb", "Gc", "Gd", "Ge", "Geology", "Gf"]
    assert client.get("/members/suggestions/phone/?q=0").status_code == 404


@pytest.mark.parametrize("members", [1, 5])
@pytest.mark.parametrize(
    ("query", "queries"),
    [("place=norway&skill=gis&resume=on", 1), ("q=gis&place=norway", 4), ("place=nor&skill=gi", 3)],
)
def test_filters_cost_the_same_few_queries_however_many_there_are(
    client, society, member, django_assert_num_queries, query, queries, members
):
    """Two more are for the session and its user; an empty list asks once for each filter."""
    for number in range(members):
        add(f"N{number}", "Oslo, Norway", "GIS", resume="resumes/a.pdf")
    client.force_login(member)

    with django_assert_num_queries(2 + queries):
        client.get(f"/members/?{query}")


# Each detail of three public profiles, by its audience.
HIDING = {
    ("place", "everyone"): "Zanzibaria",
    ("place", "members"): "Quokkaland",
    ("place", "nobody"): "Fjordheim",
    ("skills", "everyone"): "Bumblethorn",
    ("skills", "members"): "Gyroscopy",
    ("skills", "nobody"): "Marzipanism",
}
OF_MEMBERS = {"everyone", "members"}
FINDS = {"visitor": {"everyone"}, "member": OF_MEMBERS, "owner": OF_MEMBERS, "staff": OF_MEMBERS}


@pytest.mark.parametrize("role", FINDS)
def test_no_word_filter_suggestion_or_page_depends_on_a_detail_for_others(
    client, member, staff, role
):
    """What is for nobody is found by nobody; its owner and the staff read it on the page alone."""
    owners = {
        audience: add(
            f"Owner-{audience}",
            HIDING["place", audience],
            HIDING["skills", audience],
            place_visibility=audience,
            skills_visibility=audience,
        ).user
        for audience in ("everyone", "members", "nobody")
    }
    users = {"visitor": None, "member": member, "owner": owners["nobody"], "staff": staff}
    if users[role]:
        client.force_login(users[role])

    found = {"search": set(), "typo": set(), "filter": set(), "suggestion": set()}
    for (field, audience), word in HIDING.items():
        kind = field.removesuffix("s")
        answers = {
            "search": names(client, f"q={word}"),
            "typo": names(client, f"q={word[:4]}{word[5:]}"),
            "filter": names(client, f"{kind}={word}"),
            "suggestion": client.get(f"/members/suggestions/{kind}/?q={word[:4]}").json()[
                "suggestions"
            ],
        }
        for way, answer in answers.items():
            if answer:
                found[way].add(audience)

    assert found == dict.fromkeys(found, FINDS[role])


def test_the_order_depends_on_no_detail_for_others(client, member):
    """The control: to a member, who may see the place, a whole word comes before part of one."""
    add("Abe", "", "Photogrammetry")
    add("Zoe", "Grammetry", "Photogrammetry", place_visibility="members")

    assert names(client, "q=grammetry") == ["Abe", "Zoe"]
    client.force_login(member)
    assert names(client, "q=grammetry") == ["Zoe", "Abe"]


def test_the_inputs_for_tags_name_their_suggestions_in_the_readers_language(client):
    for language, label in (("en", "Suggestions"), ("de", "Vorschläge")):
        page = client.get("/members/", headers={"Accept-Language": language}).content.decode()

        assert page.count(f'data-suggestions-label="{label}"') == 2
