"""Nobody is found by whom they are hidden from, and not by what is hidden: not even by a typo."""

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from profiles.access import Audience
from profiles.directory.search import ALPHABETICALLY, search
from profiles.directory.tags import has_tag, suggestions
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

# One word for each field and visibility; the second has a typo.
CANARIES = {
    ("public", "name"): ("zanzibaria", "zanzibarya"),
    ("public", "headline"): ("quokkaland", "quokkalend"),
    ("public", "bio"): ("fjordwright", "fjordwrigth"),
    ("members", "name"): ("bumblethorn", "bumbelthorn"),
    ("members", "headline"): ("gyroscopian", "gyroskopian"),
    ("members", "bio"): ("marzipanish", "marzypanish"),
    ("hidden", "name"): ("ypsilantine", "ypsilantyne"),
    ("hidden", "headline"): ("krakenspotter", "krakenspoter"),
    ("hidden", "bio"): ("jabberwockian", "jaberwockian"),
    ("inactive", "name"): ("xerophilous", "xerofilous"),
    ("inactive", "headline"): ("vorticella", "vorticela"),
    ("inactive", "bio"): ("whippletree", "whipletree"),
}
EVERYTHING = set(CANARIES)
OF_MEMBERS = {key for key in CANARIES if key[0] in {"public", "members"}}
MAY_FIND = {
    "anonymous": {("public", "name"), ("public", "headline")},
    "inactive": {("public", "name"), ("public", "headline")},
    "member": OF_MEMBERS,
    "hidden": OF_MEMBERS | {key for key in CANARIES if key[0] == "hidden"},
    "staff": EVERYTHING,
}


@pytest.fixture
def society(member, staff):
    """One member of each visibility, who has the canaries of it."""
    society = {"member": member, "staff": staff}
    for kind in ("public", "members", "hidden", "inactive"):
        user = society[kind] = make_member(
            f"{kind}@example.org",
            visibility="public" if kind == "inactive" else kind,
            is_active=kind != "inactive",
        )
        for field in ("name", "headline", "bio"):
            setattr(user.profile, field, f"Something {CANARIES[kind, field][0]}")
        user.profile.save()
    return society


@pytest.mark.parametrize("role", MAY_FIND)
@pytest.mark.parametrize("is_typo", [False, True])
@pytest.mark.parametrize("sort", ["", pytest.param("new", marks=pytest.mark.whole)])
def test_each_word_is_found_by_those_alone_who_may_see_it(client, society, role, is_typo, sort):
    if role in society and role != "inactive":
        client.force_login(society[role])

    found = {
        key
        for key, words in CANARIES.items()
        if client.get("/members/", {"q": words[is_typo], "sort": sort}).context["page"].object_list
    }

    assert found == MAY_FIND[role]


@pytest.mark.parametrize("role", MAY_FIND)
def test_the_page_never_prints_a_word_that_was_not_typed_or_may_not_be_seen(client, society, role):
    if role in society and role != "inactive":
        client.force_login(society[role])
    unseen = [CANARIES[key][0] for key in EVERYTHING - MAY_FIND[role]]

    for _, typo in CANARIES.values():
        page = client.get("/members/", {"q": typo}).content.decode().lower()
        assert [word for word in unseen if word in page] == []


@pytest.mark.parametrize("role", MAY_FIND)
def test_a_letter_lists_and_an_input_suggests_what_one_may_see(client, society, role):
    """All show their place to everyone: to everyone, that is, who may see them."""
    names = {kind: word for (kind, field), (word, _) in CANARIES.items() if field == "name"}
    for kind, place in names.items():
        profile = Profile.objects.get(user=society[kind])
        profile.place, profile.place_visibility = place, Audience.EVERYONE
        profile.save()
    if role in society and role != "inactive":
        client.force_login(society[role])

    listed = {card.name for card in client.get("/members/?letter=s&sort=new").context["page"]}
    suggested = {
        kind
        for kind, place in names.items()
        if client.get("/members/suggestions/place/", {"q": place}).json()["suggestions"]
    }

    assert suggested == {kind for kind, field in MAY_FIND[role] if field == "name"}
    assert listed - {"Staff"} == {f"Something {names[kind]}" for kind in suggested}


def test_a_phrase_beside_a_typo_is_looked_for_in_what_the_viewer_may_see(client, society, member):
    query = {"q": f'{CANARIES["public", "name"][1]} "something fjordwright"'}

    assert list(client.get("/members/", query).context["page"]) == []

    client.force_login(member)
    assert len(client.get("/members/", query).context["page"]) == 1


def test_who_has_a_resume_is_no_filter_for_visitors(client, owner, member):
    """Else the count would tell. The control: a member's list is filtered."""
    Profile.objects.update(visibility="public")

    assert len(client.get("/members/", {"resume": "on"}).context["page"]) == 2

    client.force_login(member)
    assert len(client.get("/members/", {"resume": "on"}).context["page"]) == 1


def test_the_order_does_not_depend_on_what_a_visitor_may_not_see(client, member, other_member):
    Profile.objects.update(visibility="public")
    for user, bio in [(member, ""), (other_member, "analyst analyst")]:
        user.profile.refresh_from_db()
        user.profile.headline, user.profile.bio = "Analyst", bio
        user.profile.save()

    before = [profile.name for profile in client.get("/members/?q=analyst").context["page"]]
    other_member.profile.bio = ""
    other_member.profile.save()

    assert [p.name for p in client.get("/members/?q=analyst").context["page"]] == before


WORDS = ["tides", "tidal", "bogs", "maps", "łucja", "lucia", "C++", "noor", "neor"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
PROFILES = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "headline": TEXTS,
        "bio": TEXTS,
        "place": TEXTS,
        "skills": st.lists(st.sampled_from(WORDS), max_size=2).map(",".join),
        "place_visibility": st.sampled_from(Audience.values),
        "skills_visibility": st.sampled_from(Audience.values),
        "visibility": st.sampled_from(Profile.Visibility.values),
        "is_active": st.booleans(),
    }
)


@hypothesis_settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    profiles=st.lists(PROFILES, min_size=3, max_size=3),
    role=st.sampled_from(["anonymous", "member", "first", "staff"]),
    text=TEXTS,
)
def test_hidden_texts_change_nothing_for_those_who_may_not_see_them(
    three, member, staff, profiles, role, text
):
    """The answer is the same as if all that the viewer may not see had never been written.

    "first" owns the first of the profiles. What is for nobody is found by nobody.
    """
    users = {"anonymous": AnonymousUser(), "member": member, "first": three[0], "staff": staff}
    write(three, profiles)
    viewer = users[role]
    visible = {profile.pk for profile in Profile.objects.visible_to(viewer)}

    answer = all_answers(viewer, text)

    assert set(answer[0]) <= visible
    write(
        three,
        [
            found_by(role, fields) if user.profile.pk in visible else nothing_of(fields)
            for user, fields in zip(three, profiles, strict=True)
        ],
    )
    assert all_answers(viewer, text) == answer


@pytest.fixture
def three(db):
    return [make_member(f"{number}@example.org") for number in range(3)]


def write(users, profiles):
    for user, fields in zip(users, profiles, strict=True):
        user.is_active = fields["is_active"]
        user.save(update_fields=["is_active"])
        for name, value in fields.items():
            if name != "is_active":
                setattr(user.profile, name, value)
        user.profile.save()


def nothing_of(fields):
    return fields | dict.fromkeys(("name", "headline", "bio", "place", "skills"), "")


def found_by(role, fields):
    """Without the fields that nobody of this role may find somebody by."""
    audiences = {"everyone"} if role == "anonymous" else {"everyone", "members"}
    fields = fields if "members" in audiences else fields | {"bio": ""}
    unseen = [name for name in ("place", "skills") if fields[f"{name}_visibility"] not in audiences]
    return fields | dict.fromkeys(unseen, "")


def all_answers(viewer, text):
    """What the search, the filters and the suggestions answer, in order."""
    visible = Profile.objects.visible_to(viewer)
    for_members = viewer.is_authenticated
    answers = [search(viewer, text).pks]
    for kind in ("place", "skill"):
        listed = visible.filter(has_tag(kind, text, for_members=for_members))
        answers.append([profile.pk for profile in listed.order_by(*ALPHABETICALLY)])
        answers.append(suggestions(visible, kind, text[:2], for_members=for_members))
    return answers
