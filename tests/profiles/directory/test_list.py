"""The list of members: its order, letters, filters and pages, all of them in the address."""

import pytest
from django.urls import reverse

from profiles.directory.views import PROFILES_PER_PAGE
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

NAMES = ["Zahra", "Ánte", "Łucja", "Maria", "ada", "Lu Wei", "Øystein", "Åse", "Żaneta", "3D Guild"]
SORTED = ["3D Guild", "ada", "Ánte", "Åse", "Lu Wei", "Łucja", "Maria", "Øystein", "Zahra"]
SORTED += ["Żaneta"]


@pytest.fixture
def society(staff):
    """Ten members, the last of them the newest; the second and third have a resume."""
    Profile.objects.all().delete()
    for number, name in enumerate(NAMES):
        user = make_member(f"m{number}@example.org", name=name, visibility="public")
        resume = f"resumes/{number}.pdf" if number in (1, 2) else ""
        Profile.objects.filter(user=user).update(resume=resume)
    return Profile.objects.get(name="Maria").user


def names(client, **query):
    return [profile.name for profile in client.get("/members/", query).context["page"]]


@pytest.mark.postgresql
def test_the_list_is_sorted_as_people_sort(client, society):
    assert names(client) == SORTED


@pytest.mark.postgresql
def test_the_list_is_sorted_by_the_newest_on_request(client, society):
    assert names(client, sort="new") == NAMES[::-1]
    assert names(client, sort="new", q="a") == [name for name in NAMES[::-1] if starts_with_a(name)]


def starts_with_a(name):
    return name in {"ada", "Ánte", "Åse"}


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("letter", "found"),
    [
        ("l", ["Lu Wei", "Łucja"]),
        ("z", ["Zahra", "Żaneta"]),
        ("q", []),
        ("other", ["3D Guild"]),
        ("ł", SORTED),
        ("%", SORTED),
    ],
)
def test_the_list_jumps_to_a_letter(client, society, letter, found):
    assert names(client, letter=letter) == found


@pytest.mark.postgresql
def test_nameless_members_are_under_other_and_last(client, society):
    make_member("nameless@example.org", visibility="public")

    assert names(client) == [*SORTED, ""]
    assert names(client, letter="other") == ["3D Guild", ""]


@pytest.mark.postgresql
def test_filters_combine_and_stay_while_one_pages_and_searches(client, society):
    client.force_login(society)
    assert names(client, resume="on") == ["Ánte", "Łucja"]
    assert names(client, resume="on", letter="l") == ["Łucja"]
    assert names(client, resume="on", letter="l", q="lucja") == ["Łucja"]

    page = client.get("/members/?resume=on&letter=l&sort=new&q=lu").content.decode()

    assert 'name="letter" value="l"' in page
    assert 'name="resume" value="on" checked' in page
    assert '<option value="new" selected>' in page
    assert "resume=on&amp;sort=new&amp;q=lu&amp;letter=m" in page


def test_a_letter_without_the_person_searched_for_shows_no_near_ones_and_a_way_out(client, society):
    page = client.get("/members/?q=zahra&letter=m")

    assert list(page.context["page"]) == []
    assert "Search without filters" in page.content.decode()
    assert 'href="?q=zahra"' in page.content.decode()


@pytest.mark.parametrize("query", ["q=zahrra&letter=m", "q=zahrra nowak"])
def test_where_nobody_has_all_near_words_nothing_is_called_nearly_the_same(client, society, query):
    """Zahra is near, and has another letter, or only one of the words."""
    page = client.get(f"/members/?{query}")

    assert list(page.context["page"]) == []
    assert "Nearly the same" not in page.content.decode()
    assert "Nobody found" in page.content.decode()
    assert names(client, q="zahrra") == ["Zahra"]


def test_whose_words_are_nearest_is_first_and_of_two_the_first_by_the_alphabet(client, society):
    for name in ("Bea", "Aaron"):
        profile = make_member(f"{name}@example.org", name=name, visibility="public").profile
        profile.headline = "Of Zahra"
        profile.save()

    assert names(client, q="zahrra") == ["Zahra", "Aaron", "Bea"]
    assert names(client, q="zahrra", sort="new") == ["Aaron", "Bea", "Zahra"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=xylophone", "Try fewer words"),
        ("letter=q", "in this part of the list"),
        ("q=zahrra", "Nearly the same"),
    ],
)
def test_an_empty_list_helps(client, society, query, words):
    assert words in client.get(f"/members/?{query}").content.decode()


def test_pages_are_numbered_and_each_is_a_link_that_keeps_the_search(client, society, monkeypatch):
    monkeypatch.setattr("profiles.directory.views.PROFILES_PER_PAGE", 2)
    for number in range(2 * 12):
        make_member(f"n{number}@example.org", name=f"Number {number:03}", visibility="public")

    page = client.get("/members/?q=number&page=6").content.decode()

    assert 'aria-current="page">6<' in page
    assert [n for n in (1, 4, 5, 7, 8, 12) if f'href="?q=number&amp;page={n}"' not in page] == []
    assert "page=3" not in page, "pages far from here are left out"
    assert names(client, q="number", page=12)[-1] == "Number 023"
    assert names(client, q="number", page=99)[-1] == "Number 023"


def test_more_than_a_thousand_found_are_told_as_that(client, society, monkeypatch):
    monkeypatch.setattr("profiles.directory.search.MAX_FOUND", 2)

    page = client.get("/members/?q=a")

    assert page.context["found"].is_capped
    assert len(page.context["page"]) == 2
    assert "More than 1,000 found" in page.content.decode()


@pytest.mark.postgresql
def test_a_name_is_not_left_out_where_too_many_have_it_in_another_text(
    client, society, monkeypatch
):
    monkeypatch.setattr("profiles.directory.search.MAX_FOUND", 2)
    for name in ["Ánte", "Åse", "Lu Wei", "Maria"]:
        profile = Profile.objects.get(name=name)
        profile.headline = "Works with Zahra"
        profile.save()

    assert names(client, q="zahra") == ["Zahra", "Ánte"]


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/members/", 2),  # page, and count if it is full
        ("/members/?sort=new&letter=n&resume=on", 2),
        ("/members/?q=number", 3),  # who is found, by a resume, page
        ("/members/?q=numbre", 5),  # nobody, by no resume, near words, near people, page
        ("/members/?q=numbre&resume=on", 5),
    ],
)
@pytest.mark.parametrize("members", [3, 30])
def test_a_list_takes_the_same_few_queries_however_many_there_are(
    client, society, django_assert_num_queries, address, queries, members
):
    """F6: and S3 is not asked. Two more are for the session and its user."""
    client.force_login(society)
    for number in range(members):
        make_member(f"n{number}@example.org", name=f"Number {number}")
    Profile.objects.filter(name__startswith="Number").update(
        avatar="avatars/a.webp", resume="resumes/a.pdf"
    )

    is_counted = members > PROFILES_PER_PAGE or "q=" in address
    with django_assert_num_queries(2 + queries - (not is_counted)):
        page = client.get(reverse("directory") + address.removeprefix("/members/"))

    assert len(page.context["page"]) > 0


def test_a_long_list_is_counted_no_further_than_can_be_paged_to(client, society, monkeypatch):
    """The control: a shorter one is counted whole."""
    monkeypatch.setattr("profiles.directory.views.PROFILES_PER_PAGE", 2)
    assert "10 profiles" in client.get("/members/").content.decode()
    monkeypatch.setattr("profiles.directory.paging.MAX_COUNTED", 3)

    first, third, last = (client.get("/members/", {"page": page}) for page in ("", "3", "9"))

    assert "More than 1,000 profiles" in first.content.decode()
    assert first.context["page"].paginator.num_pages == 2
    assert third.context["page"].paginator.num_pages == 5
    assert [profile.name for profile in third.context["page"]] == SORTED[4:6]
    assert [profile.name for profile in last.context["page"]] == SORTED[8:]
    assert "10 profiles" in last.content.decode()


@pytest.mark.parametrize(("most", "is_capped"), [(1, True), (2, False)])
def test_a_filtered_list_is_counted_no_further_either(
    client, society, monkeypatch, most, is_capped
):
    monkeypatch.setattr("profiles.directory.views.PROFILES_PER_PAGE", 1)
    monkeypatch.setattr("profiles.directory.paging.MAX_COUNTED", most)

    paginator = client.get("/members/?letter=z").context["page"].paginator

    assert (paginator.count, paginator.is_capped) == (most, is_capped)


def test_for_a_word_that_is_near_to_none_no_near_people_are_looked_for(
    client, society, django_assert_num_queries
):
    """Two of the queries are for the session and its user; then nobody, by no resume, no words."""
    client.force_login(society)

    with django_assert_num_queries(2 + 3):
        assert names(client, q="xylophone") == []
