"""Small things that hold on each page: errors, empty states, and where a page leads."""

import base64
import hashlib
import re

import pytest

from profiles.models import Profile
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_a_page_that_stands_alone_is_styled_as_its_policy_allows(client):
    response = client.get("/", headers={"host": "elsewhere.example"})

    style = re.search(r"<style>(.*?)</style>", response.content.decode(), re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert response.status_code == 400
    assert f"style-src 'sha256-{digest}'" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_a_summary_links_to_each_field_that_is_wrong_and_the_first_has_the_focus(client, member):
    client.force_login(member)

    page = client.post("/me/edit/", {"name": "", "visibility": "nobody"}).content.decode()

    summary = page[page.index("error-summary") : page.index("</ul>", page.index("error-summary"))]
    targets = re.findall(r'href="#([^"]+)"', summary)
    assert targets[:2] == ["id_name", "id_visibility"]
    assert all(f'id="{target}"' in page for target in targets)
    assert [
        re.search(r' id="(\w+)"', tag)[1] for tag in re.findall(r"<[^>]* autofocus[^>]*>", page)
    ] == ["id_name"]


def test_the_rules_for_a_password_come_after_its_field(client, member):
    client.force_login(member)

    page = client.get("/accounts/password/change/").content.decode()

    assert page.index('name="password1"') < page.index('<details class="rules">')
    assert page.count("id_password1_helptext") == 2  # the field is described by them


def test_a_profile_leads_visitors_on(client):
    shown = make_member("pub@example.org", name="Public", visibility=Profile.Visibility.PUBLIC)

    page = client.get(shown.profile.get_absolute_url()).content.decode()

    main = page[page.index("<main") : page.index("</main>")]
    assert 'href="/members/"' in main
    assert "/accounts/login/?next=/members/" in main
    assert "To be invited, ask" in main


def test_a_society_of_one_has_no_empty_headings(client):
    only = make_member("only@example.org")
    client.force_login(only)

    page = client.get("/").content.decode()

    assert "Nobody who has a name yet" in page
    assert '<p dir="auto"></p>' not in page
    assert '<ul class="cards">' not in page
