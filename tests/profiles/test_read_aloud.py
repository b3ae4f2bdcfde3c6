"""Pages as screen readers and search engines read them, and forms as password managers do."""

import re
from html import unescape

import pytest
from django.core import mail
from django.urls import reverse

from portal.accounts.invitations import invitation_url
from profiles.models import User
from profiles.society.models import Society
from tests.accounts.test_accounts import link_in
from tests.conftest import PASSWORD, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LOG_IN = "/accounts/login/"
NAME_AND_PASSWORD = {"login": "ada@example.org", "password": PASSWORD}


NO = 'rel="nofollow'


def title(page) -> str:
    return unescape(re.search("<title>(.*?)</title>", page.text)[1])


def meta(page) -> dict[str, str]:
    return dict(re.findall('<meta name="(.*?)" content="(.*?)">', page.text))


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"login": "ada@"}])
def test_a_form_that_is_refused_is_told_by_its_title(client, member, wrong):
    """It is the first that is read of a page, and the form is somewhere below the menu."""
    assert title(client.get(LOG_IN)).startswith("Log in · ")

    refused = client.post(LOG_IN, NAME_AND_PASSWORD | wrong)

    assert title(refused).startswith("Please correct this: Log in · ")


def test_what_is_wrong_with_a_form_as_a_whole_is_read_at_once(client, member):
    assert "alert" not in client.get(LOG_IN).text

    refused = client.post(LOG_IN, NAME_AND_PASSWORD | {"password": "wrong"})

    assert re.search('<div role="alert"><ul class="errorlist nonfield"', refused.text)


def test_a_profile_that_is_refused_is_told_by_its_title(client, member):
    client.force_login(member)
    sent = {"name": "", "visibility": "members"}

    assert title(client.post("/me/edit/", sent)).startswith("Please correct this: Edit profile")


def test_boxes_that_remove_a_file_are_told_apart(client, owner):
    owner.profile.avatar = "avatars/a.webp"
    owner.profile.save()
    client.force_login(owner)

    labels = re.findall('<label class="check".*?</label>', client.get("/me/edit/").text, re.S)

    words = [" ".join(re.sub("<.*?>", "", label).split()) for label in labels]
    assert words == ["Remove it: photo", "Remove it: resume"]


def test_password_managers_are_told_whose_password_is_chosen(client, member):
    """Without a name beside it, the log-in would later be offered nothing."""
    invited = User.objects.create_user("new@xn--bcher-kva.example")
    page = client.get(invitation_url(invited, ""), follow=True)
    client.post("/accounts/password/reset/", {"email": member.email})
    reset = client.get(link_in(mail.outbox[-1]), follow=True)

    names = [username(each) for each in (page, reset)]

    assert names == ["new@bücher.example", member.email]


def username(page) -> str:
    hidden = r'<input type="text" value="(.*?)" autocomplete="username" readonly hidden>'
    return re.search(hidden, page.text)[1]


def test_an_invitation_shows_addresses_in_their_own_letters(client, member):
    User.objects.filter(pk=member.pk).update(email="ada@xn--bcher-kva.example")
    client.force_login(member)
    invited = User.objects.create_user("new@xn--bcher-kva.example")

    page = client.get(invitation_url(invited, ""), follow=True)

    assert "with <strong>new@bücher.example</strong>." in page.text
    assert "logged in as ada@bücher.example." in page.text


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_search_engines_leave_a_staging_copy_alone(client, settings, environment):
    settings.SITE_ENVIRONMENT = environment

    robots = meta(client.get("/")).get("robots")

    assert robots == ("noindex" if environment == "staging" else None)


@pytest.mark.parametrize(
    ("address", "robots"),
    [
        ("/members/", None),
        ("/members/?q=ada", "noindex"),
        ("/members/?letter=a&page=2", "noindex"),
        ("/accounts/login/?next=/members/1/", "noindex"),
        ("/accounts/password/reset/", "noindex"),
    ],
)
def test_search_engines_list_no_searches_and_forms(client, address, robots):
    assert meta(client.get(address)).get("robots") == robots


def test_a_crawler_that_follows_links_comes_to_each_profile_and_to_an_end(client):
    """Filters, letters and the log-in that comes back made a page of each combination."""
    for number in range(30):
        name = f"{'ABC'[number % 3]} {number}"
        user = make_member(f"m{number}@example.org", name=name, visibility="public")
        user.profile.place, user.profile.place_visibility = "London", "public"
        user.profile.skills, user.profile.skills_visibility = "Maps, Tides", "public"
        user.profile.save()
    seen, waiting = set(), {"/"}

    while waiting and len(seen) < 50:
        address = waiting.pop()
        seen.add(address)
        links = re.findall("<a ([^>]*)>", client.get(address).text)
        followed = {href(link) for link in links if "nofollow" not in link}
        here = address.partition("?")[0]
        waiting |= {f"{here}{to}" if to.startswith("?") else to for to in followed} - seen
        waiting.discard("")

    assert waiting == set()
    assert len({address for address in seen if re.fullmatch(r"/members/\d+/", address)}) == 30


def href(link: str) -> str:
    """Return the address of a link without its fragment; nothing for one within the page."""
    return unescape(re.search('href="([^"#]*)', link)[1])


def test_search_engines_show_a_line_of_a_page_that_is_written_for_it(client, owner):
    Society.objects.create(name="S", tagline="Maps & more")
    owner.profile.visibility, owner.profile.headline = "public", 'Tides, "slowly"'
    owner.profile.save()

    assert meta(client.get("/"))["description"] == "Maps &amp; more"
    assert meta(client.get(owner.profile.get_absolute_url()))["description"] == (
        "Tides, &quot;slowly&quot;"
    )
    assert "description" not in meta(client.get(reverse("directory")))
