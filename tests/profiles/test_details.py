"""Places, skills, links and contacts: how they are written, and who sees them."""

import re

import pytest
from django.urls import reverse

from profiles.forms import DETAILS
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

# As they stand on a page.
CANARIES = {
    "place": "Ultima Thule",
    "skills": "Lamp trimming",
    "links": "lamps.example/trimming",
    "phone": "+44 1632 960777",
    "contact_email": "lamps@thule.example",
}


def fill_in(profile, audience, **fields):
    values = CANARIES | {"links": f"https://{CANARIES['links']}"} | fields
    for field, value in values.items():
        setattr(profile, field, value)
        setattr(profile, f"{field}_visibility", audience)
    profile.save()


def edit(client, **fields):
    return client.post(reverse("edit-me"), {"name": "Ada", "visibility": "members"} | fields)


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        ("place", "  Đà Nẵng,   Việt Nam ", "Đà Nẵng,   Việt Nam"),
        ("skills", "GIS,gis , Peat  coring;\nR,,", "GIS, Peat coring, R"),
        ("skills", "رسم الخرائط، 地图学、测量\uff0cR", "رسم الخرائط, 地图学, 测量, R"),
        ("skills", ", ".join(f"skill {n}" for n in range(20)), None),
        ("skills", "x" * 40, "x" * 40),
        ("skills", " , ;!?, \n", "!?"),
        ("links", "bogs.example/rods", "https://bogs.example/rods"),
        ("links", "http://a.example:8080/\r\nB.example\nb.example", None),
        ("links", "https://müller.example/straße?q=1#x", "https://müller.example/straße?q=1#x"),
        ("links", "\n".join(f"https://a{n}.example" for n in range(10)), None),
        ("links", f"https://a.example/{'x' * 282}", f"https://a.example/{'x' * 282}"),
        ("phone", "12345", "12345"),
        ("phone", "1" * 20, "1" * 20),
        ("phone", "020 7946 0018 x12", "020 7946 0018 x12"),
        ("phone", "\u202a+44\u00a01632 960\u2013777\u202c", "+44 1632 960-777"),
        ("phone", "٠١٦٣٢ ٩٦٠٧٧٧", "01632 960777"),
        ("phone", "(020) 7946 0018 ext. 12", "(020) 7946 0018 ext. 12"),
        ("contact_email", "Lamps@Müller.example", "lamps@xn--mller-kva.example"),
    ],
)
def test_a_member_writes_a_detail_and_chooses_who_sees_it(client, member, field, typed, stored):
    client.force_login(member)

    response = edit(client, **{field: typed, f"{field}_visibility": "nobody"})

    assert response.status_code == 302
    profile = Profile.objects.get(user=member)
    assert getattr(profile, f"{field}_visibility") == "nobody"
    if stored:
        assert getattr(profile, field) == stored
    assert client.get(reverse("edit-me")).status_code == 200


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("place", "x" * 101, "at most 100"),
        ("place", "Galway\u202e", "can be seen"),
        ("skills", ", ".join(f"skill {n}" for n in range(21)), "at most 20 skills; these are 21"),
        ("skills", "I can do nearly everything that there is to do", "long for one skill"),
        ("skills", "GIS, " + "x" * 41, f"“{'x' * 40}…” is long for one skill"),
        ("skills", "GIS\u202e", "can be seen"),
        ("links", f"https://a.example/{'x' * 283}", f"“https://a.example/{'x' * 282}” is not"),
        ("phone", "1234", "telephone number"),
        ("phone", "12345 ext", "telephone number"),
        ("links", "javascript:alert(1)", "not the address of a page"),
        ("links", "data:text/html,x", "not the address of a page"),
        ("links", "https://bank.example@thief.example/", "not the address of a page"),
        ("links", "https://a.example/\u202etxt", "not the address of a page"),
        ("links", "https://a.example\nnonsense", "nonsense"),
        ("links", "https://[::1", "not the address of a page"),
        ("links", " ".join(f"a{n}.example" for n in range(11)), "at most 10 links"),
        ("links", "https://a.example/" + "x" * 300, "not the address of a page"),
        ("phone", "call me", "telephone number"),
        ("phone", "12", "telephone number"),
        ("phone", "1" * 21, "telephone number"),
        ("contact_email", "nobody", "name@example.org"),
    ],
)
def test_a_detail_that_cannot_be_right_is_explained_and_nothing_is_lost(
    client, member, field, typed, words
):
    client.force_login(member)

    response = edit(client, **{field: typed, "headline": "Kept headline"})

    page = response.content.decode()
    assert response.status_code == 200
    assert words in page
    assert "Kept headline" in page
    assert re.findall(r'name="([^"]+)"[^>]*\bautofocus\b', page) == [field]
    assert getattr(Profile.objects.get(user=member), field) == ""


def test_a_form_without_the_new_fields_leaves_them_as_they_are(client, member):
    """Someone has opened it before the site was updated."""
    fill_in(member.profile, "everyone")
    client.force_login(member)

    assert edit(client, bio="New").status_code == 302

    profile = Profile.objects.get(user=member)
    assert (profile.bio, profile.skills) == ("New", "Lamp trimming")
    assert profile.skills_visibility == "everyone"


def test_an_empty_choice_is_for_nobody(client, member):
    client.force_login(member)

    edit(client, place="Thule", place_visibility="")

    assert Profile.objects.get(user=member).place_visibility == "nobody"
    assert edit(client, place_visibility="friends").status_code == 200, "and no other is taken"


SEEN_BY = {
    "everyone": {"visitor", "member", "owner", "staff"},
    "members": {"member", "owner", "staff"},
    "nobody": {"owner", "staff"},
}


@pytest.mark.parametrize("audience", SEEN_BY)
@pytest.mark.parametrize("field", DETAILS)
def test_a_detail_is_shown_to_whom_it_is_for(client, member, other_member, staff, field, audience):
    """The control: each role sees what is for everyone."""
    other = "nobody" if audience == "everyone" else "everyone"
    fill_in(member.profile, other)
    Profile.objects.update(visibility="public")
    member.profile.visibility = "public"
    setattr(member.profile, f"{field}_visibility", audience)
    member.profile.save()
    roles = {"visitor": None, "member": other_member, "owner": member, "staff": staff}

    seen = set()
    for role, user in roles.items():
        client.logout()
        if user:
            client.force_login(user)
        for address in [member.profile.get_absolute_url(), "/members/", "/"]:
            if CANARIES[field] in client.get(address).content.decode():
                seen.add(role)

    assert seen == SEEN_BY[audience]


def test_links_telephone_and_address_are_links_that_tell_the_other_site_nothing(client, member):
    fill_in(member.profile, "members", phone="+44 1632 960-777 ext 5")
    client.force_login(member)

    page = client.get("/me/").content.decode()

    assert (
        '<a href="https://lamps.example/trimming" rel="nofollow noopener noreferrer ugc" dir="ltr">'
        "lamps.example/trimming</a>"
    ) in page
    assert 'href="tel:+441632960777;ext=5"' in page
    assert 'href="mailto:lamps@thule.example"' in page
    assert 'href="/members/?place=Ultima%20Thule"' in page
    assert 'href="/members/?skill=Lamp%20trimming"' in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See (https://a.example/x).", '(<a href="https://a.example/x" '),
        ("www.a.example, and so on", '<a href="https://www.a.example" '),
        ("https://müller.example/ß", 'href="https://müller.example/ß"'),
        ('https://a.example/"onmouseover="x', "&quot;onmouseover=&quot;x"),
        ("https://a.example/?a=1&b=2", 'href="https://a.example/?a=1&amp;b=2"'),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("WWW.A.example", '<a href="https://WWW.A.example" '),
        ("http://localhost/x", ">http://localhost/x<"),
        ("a.example", ">a.example<"),
        ("javascript:alert.1", ">javascript:alert.1<"),
        ("https://bank.example@thief.example", ">https://bank.example@thief.example<"),
        (
            "one\r\ntwo\n\nصبح",
            '<p dir="auto">one\ntwo</p>\n<p dir="auto">صبح</p>',
        ),
    ],
)
def test_addresses_in_a_text_are_links_and_nothing_else_is(client, member, text, expected):
    member.profile.bio = text
    member.profile.save()
    client.force_login(member)

    bio = (
        client.get("/me/").content.decode().partition('<div class="bio">')[2].partition("</div>")[0]
    )

    assert expected in bio
    assert bio.count("<a ") == bio.count('rel="nofollow noopener noreferrer ugc"')
    assert ("<a " in bio) == expected.lstrip("(").startswith(("<a", "href", "&quot"))


def test_a_stored_link_that_no_form_would_take_is_not_shown(client, member):
    Profile.objects.filter(user=member).update(links="javascript:alert(1)\nhttps://a.example")
    client.force_login(member)

    page = client.get("/me/").content.decode()

    assert 'href="https://a.example"' in page
    assert "javascript:alert" not in page


def test_staff_edit_details_in_the_admin_and_see_the_place_in_the_list(client, staff):
    member = make_member("ada@example.org", name="Ada")
    fill_in(member.profile, "nobody")
    client.force_login(staff)

    assert "Ultima Thule" in client.get("/admin/profiles/user/").content.decode()
    form = client.get(f"/admin/profiles/user/{member.pk}/change/").content.decode()
    assert [value for value in CANARIES.values() if value not in form] == []
    assert "profile-0-skills_visibility" in form
