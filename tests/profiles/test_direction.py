"""What people write runs in the direction of its own letters, on a page that runs to the right."""

from html.parser import HTMLParser

import pytest
from django.core.files.base import ContentFile

from profiles.models import ResumeDownload
from tests.conftest import make_member
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

WORD = "\u05de\u05d9\u05dc\u05d4"  # of Hebrew letters
WITHOUT_END = {"input", "img", "link", "meta", "br", "path", "circle", "ellipse", "use"}


class Lost(HTMLParser):
    """Collects the elements that show the word without its direction, and counts all of them."""

    def __init__(self, page: str):
        super().__init__()
        self.open, self.lost, self.shown = [], [], 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        has_direction = tag == "bdi" or ("dir", "auto") in attributes
        if WORD in (dict(attributes).get("value") or "") and dict(attributes)["type"] != "hidden":
            self.note(tag, has_direction)
        if tag not in WITHOUT_END:
            self.open.append((tag, has_direction))

    def handle_endtag(self, tag):
        if tag not in WITHOUT_END:
            self.open.pop()

    def handle_data(self, data):
        if WORD in data and self.open[-1][0] != "title":
            self.note(self.open[-1][0], any(has_direction for _, has_direction in self.open))

    def note(self, tag, has_direction):
        self.shown += 1
        if not has_direction:
            self.lost.append((tag, self.getpos()))


@pytest.fixture
def society(owner, staff):
    """An owner and a reader who write everything in Hebrew."""
    society = {"owner": owner, "reader": make_member("r@example.org"), "staff": staff}
    for user in (owner, society["reader"]):
        for field in ("name", "headline", "bio", "place", "skills"):
            setattr(user.profile, field, f"{WORD} {WORD}")
        user.profile.place_visibility = user.profile.skills_visibility = "everyone"
        user.profile.visibility = "public"
        user.profile.save()
    ResumeDownload.objects.create(profile=owner.profile, member=society["reader"])
    return society


@pytest.mark.parametrize(
    ("role", "address", "least"),
    [
        ("visitor", "/", 2),
        ("visitor", "/members/", 6),
        ("visitor", "/members/{pk}/", 4),
        ("reader", "/", 6),
        ("reader", f"/members/?q={WORD}&place={WORD}+{WORD}&skill={WORD}+{WORD}", 8),
        ("reader", f"/members/?q={WORD}x&place={WORD}&skill={WORD}", 6),
        ("reader", "/members/{pk}/", 5),
        ("staff", "/members/{pk}/", 5),
        ("owner", "/me/", 6),
        ("owner", "/me/as/member/", 5),
        ("owner", "/me/edit/", 5),
        ("owner", "/me/resume/opened/", 1),
    ],
)
def test_each_text_has_its_own_direction(client, society, role, address, least):
    if role != "visitor":
        client.force_login(society[role])

    page = Lost(client.get(address.format(pk=society["owner"].profile.pk)).content.decode())

    assert page.lost == []
    assert page.shown >= least


def test_so_has_the_name_of_a_file_that_is_kept(client, society):
    client.force_login(society["owner"])
    photo = ContentFile(samples.jpeg(), name=f"{WORD}.jpg")

    page = Lost(client.post("/me/edit/", {"name": "", "avatar": photo}).content.decode())

    assert page.lost == []
    assert page.shown >= 1
