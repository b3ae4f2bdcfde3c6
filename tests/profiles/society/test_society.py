"""The society's own name, texts, logo and colour: on the pages, in messages and in the admin."""

from html.parser import HTMLParser

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from profiles.society import current
from profiles.society.models import Society
from tests.conftest import make_clerk
from tests.support import samples

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Cartographers of Elsewhere",
    "tagline": "Maps of where nobody was",
    "welcome": "We *draw* what we have not seen.",
    "contact": "the secretary",
    "contact_email": "secretary@elsewhere.example",
    "accent": "#7a2d5c",
    "privacy_notice": "# What we keep\n\nAs little as we can.",
    "imprint": "Elsewhere, no street",
}


@pytest.fixture
def society():
    return Society.objects.create(**FORM)


def text_of(client, name="home"):
    return client.get(reverse(name)).content.decode()


def test_visitors_read_the_societys_own_words(client, society):
    page = text_of(client)

    assert "Maps of where nobody was" in page
    assert "We <em>draw</em> what we have not seen." in page
    assert "Cartographers of Elsewhere" in page


def test_a_society_without_a_row_has_the_name_of_the_environment(client, settings):
    settings.SITE_NAME = "The society of SITE_NAME"
    current.forget()

    assert "The society of SITE_NAME" in text_of(client)


@pytest.mark.parametrize("name", ["home", "account_login"])
def test_visitors_are_told_whom_to_ask_for_an_invitation(client, society, name):
    page = text_of(client, name)

    assert '<a href="mailto:secretary@elsewhere.example">the secretary</a>' in page


def test_pages_do_not_query_the_society(client, society):
    text_of(client)

    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            text_of(client)

    assert "society" not in "".join(query["sql"] for query in queries)


def test_another_process_shows_a_change_after_a_few_seconds(client, society, monkeypatch):
    """A queryset's update stands for the other process: nothing tells this one of it."""
    text_of(client)
    Society.objects.update(name="Renamed")
    assert "Renamed" not in text_of(client)

    later = current.monotonic() + current.READ_AGAIN_SECONDS
    monkeypatch.setattr(current, "monotonic", lambda: later)

    assert "Renamed" in text_of(client)


def test_a_page_that_is_made_while_another_thread_saves_has_a_society(client, society, monkeypatch):
    """Saving forgets what the process remembers, at whatever moment of another page."""
    text_of(client)
    moment = current.monotonic()

    def saved_meanwhile():
        current.forget()
        return moment

    monkeypatch.setattr(current, "monotonic", saved_meanwhile)

    assert society.name in text_of(client)


def test_whoever_changes_it_sees_it_at_once_in_every_process(client, staff, society):
    client.force_login(staff)
    client.post(reverse("admin:society_society_change", args=[1]), FORM | {"name": "Renamed"})
    of_another_process = (float("inf"), Society(name="As another process remembers"))
    current._remembered = of_another_process

    assert "As another process remembers" not in text_of(client)
    current._remembered = of_another_process
    client.cookies.pop(current.JUST_SAVED)
    assert "As another process remembers" in text_of(client)  # the control


def test_a_page_that_needs_no_database_is_shown_without_one(client, monkeypatch, settings):
    """F5: once in a few seconds it is tried, so that not every page waits."""
    tried = []

    class Unreachable:
        @staticmethod
        def first():
            tried.append(1)
            raise OperationalError("no database")

    current.forget()
    monkeypatch.setattr(current.Society, "objects", Unreachable)

    pages = [client.get("/no-such-page/") for _ in range(3)]

    assert {page.status_code for page in pages} == {404}
    assert settings.SITE_NAME in pages[0].content.decode()
    assert tried == [1]


def test_messages_have_the_societys_name(client, society, member):
    client.post(reverse("account_reset_password"), {"email": member.email})

    assert mail.outbox[0].subject.startswith("Cartographers of Elsewhere: ")
    assert "Cartographers of Elsewhere" in mail.outbox[0].body


@pytest.mark.parametrize(
    ("name", "words"),
    [("society:privacy", "What we keep</h2>"), ("society:imprint", "Elsewhere, no street")],
)
def test_the_foot_of_each_page_links_to_a_text_that_is_written(client, society, name, words):
    assert f'href="{reverse(name)}"' in text_of(client)
    assert words in text_of(client, name)

    society.privacy_notice = society.imprint = ""
    society.save()

    assert f'href="{reverse(name)}"' not in text_of(client)
    assert client.get(reverse(name)).status_code == 404


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "![x](https://elsewhere.example/x.png)",
        '[x](https://e.example "a\\" onmouseover=\\"alert(1)")',
        "<a href='data:text/html,x'>x</a>",
        "<style>*{display:none}</style>",
        "[x](vbscript:x) <iframe src=//e.example>",
    ],
)
def test_a_text_brings_no_script_picture_or_style(client, hostile):
    Society.objects.create(name="S", imprint=f"before {hostile}\n\n**after**")

    page = text_of(client, "society:imprint")
    text = page[page.index("<section") : page.index("</section>")]

    assert "<strong>after</strong>" in text
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(text)
    assert {tag for tag, _ in found} <= {"section", "h1", "p", "a", "strong"}
    for _, attributes in found:
        assert attributes.keys() <= {"class", "href", "title", "rel"}
        assert attributes.get("href", "https:").startswith("https:")


def test_there_is_one_society(society):
    Society(name="Another").save()

    assert [each.name for each in Society.objects.all()] == ["Another"]


def test_a_logo_keeps_its_shape_and_loses_what_the_camera_noted(client, society):
    society.logo = ContentFile(samples.jpeg(size=(900, 300)), name="logo.jpg")
    society.save()

    with society.logo.open() as stored:
        picture = Image.open(stored)
        assert (picture.format, picture.size) == ("WEBP", (640, 213))
        assert "exif" not in picture.info
    assert f'<img class="logo" src="{society.logo.url}" alt="">' in text_of(client)


def test_a_logo_that_is_no_picture_is_refused_in_words(client, staff, society):
    client.force_login(staff)
    fake = ContentFile(b"<svg><script/></svg>", name="logo.svg")

    answer = client.post(reverse("admin:society_society_change", args=[1]), FORM | {"logo": fake})

    assert "This is not a photo that we can read." in answer.content.decode()
    assert not Society.objects.get().logo


def test_staff_preview_and_save_nothing(client, staff, society):
    client.force_login(staff)
    changed = FORM | {"tagline": "Not saved yet", "accent": "#1f4fa3"}

    page = client.post(reverse("admin:society_society_preview"), changed).content.decode()

    assert "Not saved yet" in page
    assert "look/1f4fa3-" in page
    assert "What we keep</h2>" in page
    assert Society.objects.get().tagline == FORM["tagline"]


def test_a_preview_shows_the_members_whom_visitors_see(client, staff, society, owner):
    """The staff see all members; the page that they preview is that of visitors."""
    client.force_login(staff)
    pages = []
    for visibility in ("public", "members", "hidden"):
        owner.profile.visibility = visibility
        owner.profile.save()
        pages.append(client.post(reverse("admin:society_society_preview"), FORM).content.decode())

    assert ["Mary Somerville" in page for page in pages] == [True, False, False]


def test_a_preview_says_what_is_wrong(client, staff, society):
    client.force_login(staff)

    page = client.post(reverse("admin:society_society_preview"), FORM | {"accent": "#ffee00"})

    assert page.status_code == 422
    assert "hard to read" in page.content.decode()


def test_a_member_may_not_preview(client, member, society):
    client.force_login(member)

    answer = client.post(reverse("admin:society_society_preview"), FORM)

    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


@pytest.mark.parametrize(("codename", "is_new", "status"), [
    ("change_society", False, 200),
    ("add_society", False, 403),
    ("view_society", False, 403),
    ("add_society", True, 200),
    ("change_society", True, 403),
])  # fmt: skip
def test_a_preview_is_for_those_of_the_staff_who_may_save(
    client, request, codename, is_new, status
):
    if not is_new:
        request.getfixturevalue("society")
    client.force_login(make_clerk(codename))

    page = client.post(reverse("admin:society_society_preview"), FORM)

    assert page.status_code == status
    assert (FORM["tagline"] in page.content.decode()) == (status == 200)


def test_the_list_leads_to_the_form(client, staff):
    client.force_login(staff)
    listed = reverse("admin:society_society_changelist")
    assert client.get(listed)["Location"] == reverse("admin:society_society_add")

    Society.objects.create(**FORM)

    assert client.get(listed)["Location"] == reverse("admin:society_society_change", args=[1])
    assert client.get(reverse("admin:society_society_add")).status_code == 403


@pytest.mark.parametrize("name", ["", "\u3164", "two\nlines\u2028", "x" * 81, "a\u202eb"])
def test_a_name_that_cannot_be_seen_or_breaks_a_line_is_refused(name):
    with pytest.raises(ValidationError):
        Society(pk=1, **FORM | {"name": name}).full_clean()

    Society(pk=1, **FORM).full_clean()
