"""The society's form in the admin, the limits of its fields, and its texts as HTML."""

import logging
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from PIL import Image

from profiles.society import current, logo
from profiles.society.first_steps import Step, first_steps
from profiles.society.markdown import to_html
from profiles.society.models import Society
from profiles.uploads.forms import BUSY
from profiles.uploads.turns import Busy
from tests.conftest import make_member
from tests.support import samples

from .test_society import FORM, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ADD, PREVIEW = "/admin/society/society/add/", "/admin/society/society/preview/"
CHANGE = "/admin/society/society/1/change/"


@pytest.fixture
def desk(client, staff):
    """A superuser's browser."""
    client.force_login(staff)
    return client


def test_the_form_of_a_new_site_has_the_name_of_the_environment(desk, settings):
    settings.SITE_NAME = "The society of SITE_NAME"

    form = desk.get(ADD).context["adminform"].form

    assert form["name"].value() == "The society of SITE_NAME"
    assert list(form.fields) == [
        "name", "tagline", "welcome", "contact", "contact_email", "logo", "accent",
        "privacy_notice", "imprint",
    ]  # fmt: skip
    assert 'rows="10"' in str(form["imprint"])
    assert form.fields["logo"].widget.use_fieldset is False


def test_naming_the_society_leads_to_the_home_page_and_its_next_step(desk):
    name = {"initial-name": FORM["name"]}  # it is left as it was suggested
    answer = desk.post(ADD, FORM | name)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    page = desk.get("/")
    assert [str(message) for message in page.context["messages"]] == [
        "This is the portal of Cartographers of Elsewhere now."
    ]
    assert Society.objects.values("pk", *FORM).get() == {"pk": 1, **FORM}


@pytest.mark.parametrize(("address", "is_there"), [(ADD, False), (CHANGE, True)])
def test_whoever_saves_the_form_has_a_cookie_for_as_long_as_others_may_not_see_it(
    desk, settings, address, is_there
):
    """A6: where cookies are for HTTPS alone, so is this one."""
    settings.SESSION_COOKIE_SECURE = is_there
    if is_there:
        Society.objects.create(**FORM)

    cookie = desk.post(address, FORM | {"name": "Renamed"}).cookies["society_saved"]

    assert cookie.value == "1"
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (5, True, "Lax")
    assert bool(cookie["secure"]) == is_there


def test_a_text_is_shown_at_once_to_whoever_has_saved_it(desk):
    Society.objects.create(**FORM)
    current._remembered = (float("inf"), Society(name="S", imprint="As it was"))

    assert "As it was" in text_of(desk, "society:imprint")
    desk.cookies["society_saved"] = "1"
    assert "Elsewhere, no street" in text_of(desk, "society:imprint")


def test_the_form_shows_the_present_logo(desk):
    society = Society.objects.create(**FORM)
    assert "none" in desk.get(CHANGE).text.partition("Present logo:")[2][:200]

    posted = FORM | {"logo": SimpleUploadedFile("l.png", samples.png())}
    assert desk.post(CHANGE, posted).status_code == 302

    society.refresh_from_db()
    picture = f'<img class="present-logo" src="{society.logo.url}" alt="">'
    assert picture in desk.get(CHANGE).text
    refused = desk.post(CHANGE, FORM | {"logo": SimpleUploadedFile("l.svg", b"<svg/>")})
    assert picture in refused.text


def test_the_preview_of_a_new_site_is_the_page_of_visitors(desk, staff):
    page = desk.post(PREVIEW, FORM)

    assert page.status_code == 200
    assert page.context["user"].is_anonymous
    assert (page.context["site_name"], page.context["newest"]) == (FORM["name"], [])
    assert staff.profile.name not in page.text.partition("</header>")[2]
    assert not Society.objects.exists()


def test_a_preview_that_is_refused_names_each_field(desk):
    page = desk.post(PREVIEW, FORM | {"name": "", "contact_email": "nobody"})

    assert (page.status_code, page.context["title"]) == (422, "Preview")
    assert page.context["form"].errors.keys() == {"name", "contact_email"}
    assert "<strong>Name:</strong> This field is required." in page.text
    assert 'id="user-tools"' in page.text


@pytest.mark.parametrize(
    ("field", "most"),
    [("name", 80), ("tagline", 120), ("contact", 120), ("welcome", 4_000),
     ("privacy_notice", 40_000), ("imprint", 40_000)],
)  # fmt: skip
def test_a_text_may_be_just_so_long(field, most):
    Society(pk=1, **FORM | {field: "x" * most}).full_clean()

    with pytest.raises(ValidationError) as refused:
        Society(pk=1, **FORM | {field: "x" * (most + 1)}).full_clean()
    assert refused.value.message_dict.keys() == {field}


@pytest.mark.parametrize("field", ["name", "tagline", "contact"])
def test_a_line_has_no_unprintable_characters(field):
    for text in ("a\u202eb", "a\x07b"):
        with pytest.raises(ValidationError) as refused:
            Society(pk=1, **FORM | {field: text}).full_clean()
        assert refused.value.message_dict.keys() == {field}


def test_a_name_alone_is_enough():
    Society(pk=1, name="S").full_clean()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("size", "This file is larger than"),
        ("busy", str(BUSY)),
    ],
)
def test_a_logo_that_cannot_be_taken_is_refused_in_words(desk, settings, monkeypatch, wrong, words):
    Society.objects.create(**FORM)
    content = samples.jpeg((90, 30))

    def busy(*args, **options):
        raise Busy

    if wrong == "busy":
        monkeypatch.setattr(logo.sandbox, "parse", busy)
    settings.AVATAR_MAX_BYTES = len(content) - (wrong == "size")

    page = desk.post(CHANGE, FORM | {"logo": SimpleUploadedFile("l.jpg", content)})

    [error] = page.context["adminform"].form.errors["logo"]
    assert words in error
    assert not Society.objects.get().logo


def test_a_logo_is_kept_whole_and_at_most_640_wide(settings):
    content = BytesIO()
    Image.new("RGB", (1280, 128), "red").save(content, "PNG")
    settings.AVATAR_MAX_BYTES = len(content.getvalue())

    society = Society(name="S", logo=SimpleUploadedFile("l.png", content.getvalue()))
    society.save()

    with society.logo.open() as file, Image.open(file) as picture:
        assert (picture.format, picture.size) == ("WEBP", (640, 64))
    assert society.logo.name.startswith("society/")
    assert society.logo.name.endswith(".webp")


@pytest.mark.parametrize(
    ("contact", "address", "html"),
    [
        ("Ana <Ruiz>", "a@e.example", '<a href="mailto:a@e.example">Ana &lt;Ruiz&gt;</a>'),
        ("", "a@e.example", '<a href="mailto:a@e.example">a@e.example</a>'),
        ("Ana <Ruiz>", "", "Ana &lt;Ruiz&gt;"),
        ("", "", "the society&#x27;s staff"),
    ],
)
def test_whom_to_ask_for_an_invitation(client, contact, address, html):
    Society.objects.create(name="S", contact=contact, contact_email=address)

    page = text_of(client, "account_login")

    assert html in page


SOCIETY, MEMBERS = "/admin/society/society/", "/admin/invitations/invitation/new/"


@pytest.mark.parametrize(
    ("is_named", "has_logo", "has_members", "done"),
    [
        (False, False, False, [False, False, False]),
        (True, False, False, [True, False, False]),
        (True, True, False, [True, True, False]),
        (False, False, True, [False, False, True]),
        (True, False, True, None),
        (True, True, True, None),
    ],
)
def test_the_first_steps_of_a_superuser(staff, is_named, has_logo, has_members, done):
    if is_named:
        Society.objects.create(name="S")
        Society.objects.update(logo="society/l.webp" if has_logo else "")
    if has_members:
        make_member("ada@example.org")

    steps = [
        Step("Name your society", SOCIETY, done and done[0]),
        Step("Add a logo", f"{SOCIETY}#id_logo", done and done[1]),
        Step("Invite your first members", MEMBERS, done and done[2]),
    ]
    assert first_steps(staff) == (steps if done else [])
    assert first_steps(make_member("clerk@example.org", is_staff=True)) == []


def test_the_society_is_remembered_where_the_database_fails(monkeypatch, caplog):
    """F5: as it was read last, and the log says why."""
    Society.objects.create(**FORM)
    assert current.name() == FORM["name"]
    moments = iter([100.0, 100.0, 104.9, 105.0])

    class Unreachable:
        @staticmethod
        def first():
            raise OperationalError("password in here")

    current._remembered = (95.0, Society(name="Remembered"))
    monkeypatch.setattr(current, "monotonic", lambda: next(moments))
    monkeypatch.setattr(current.Society, "objects", Unreachable)

    with caplog.at_level(logging.WARNING):
        assert current.name() == "Remembered"
        assert current.name() == "Remembered"

    assert [record.getMessage() for record in caplog.records] == [
        "The society could not be read: OperationalError"
    ]
    assert current._remembered[0] == 100.0


@pytest.mark.parametrize(("later", "is_read"), [(4.9, False), (5, True)])
def test_the_society_is_read_again_after_five_seconds(monkeypatch, later, is_read):
    Society.objects.create(**FORM)
    current._remembered = (100.0, Society(name="Remembered"))
    monkeypatch.setattr(current, "monotonic", lambda: 100.0 + later)

    assert current.name() == (FORM["name"] if is_read else "Remembered")
    assert current.current(fresh=True).name == FORM["name"]


def test_a_society_that_is_saved_is_read_again_by_this_process():
    society = Society.objects.create(**FORM)
    assert current.name() == FORM["name"]

    society.name = "Renamed"
    society.save()

    assert current.name() == "Renamed"


TABLE = (
    "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n"
    "<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>\n"
)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One\n\n##### Five\n\n###### Six", "<h2>One</h2>\n<h6>Five</h6>\n<h6>Six</h6>\n"),
        ("a\nb", "<p>a<br>\nb</p>\n"),
        ("3. c\n4. d", '<ol start="3">\n<li>c</li>\n<li>d</li>\n</ol>\n'),
        ("- c", "<ul>\n<li>c</li>\n</ul>\n"),
        (
            "| a |\n|---|\n| 1 |",
            TABLE,
        ),
        (
            '[x](https://e.example "T")',
            '<p><a href="https://e.example" title="T" rel="noopener">x</a></p>\n',
        ),
        ("[x](http://e.example)", '<p><a href="http://e.example" rel="noopener">x</a></p>\n'),
        ("[x](mailto:a@e.example)", '<p><a href="mailto:a@e.example" rel="noopener">x</a></p>\n'),
        ("[x](tel:+1)", '<p><a href="tel:+1" rel="noopener">x</a></p>\n'),
        ("[x](ftp://e.example)", '<p><a rel="noopener">x</a></p>\n'),
        (
            "www.e.example/a_b?c=1&d=2, or a.b@e-e.example.",
            (
                '<p><a href="https://www.e.example/a_b?c=1&amp;d=2" rel="noopener">'
                "www.e.example/a_b?c=1&amp;d=2</a>, or "
                '<a href="mailto:a.b@e-e.example" rel="noopener">a.b@e-e.example</a>.</p>\n'
            ),
        ),
        (
            "[to a@e.example](https://e.example) `a@e.example` javascript:a.b",
            (
                '<p><a href="https://e.example" rel="noopener">to a@e.example</a> '
                "<code>a@e.example</code> javascript:a.b</p>\n"
            ),
        ),
        ("<b>x</b> & y", "<p>&lt;b&gt;x&lt;/b&gt; &amp; y</p>\n"),
        ("![x](y.png)", '<p>!<a href="y.png" rel="noopener">x</a></p>\n'),
        ("> q\n\n---", "<blockquote>\n<p>q</p>\n</blockquote>\n<hr>\n"),
        ("`c` *e* **s**", "<p><code>c</code> <em>e</em> <strong>s</strong></p>\n"),
        ("```\np\n```", "<pre><code>p\n</code></pre>\n"),
    ],
)
def test_markdown_becomes_this_html(text, html):
    assert to_html(text) == html


def test_a_preview_is_for_the_staff_and_sent_by_their_form_alone(desk, staff):
    """The token of the form counts, as everywhere in the admin."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)

    assert strict.post(PREVIEW, FORM).status_code == 403
    assert desk.get(PREVIEW).status_code == 405
    assert desk.get(reverse("admin:society_society_add")).status_code == 200


def test_a_form_that_was_opened_before_undoes_nothing(desk):
    """The chair writes a text while a colleague chooses the colour."""
    society = Society.objects.create(**FORM)
    opened = FORM | {f"initial-{name}": value for name, value in FORM.items()}
    Society.objects.update(accent="#0b5c63", tagline="A colleague's")

    desk.post(CHANGE, opened | {"imprint": "Written meanwhile"})

    society.refresh_from_db()
    assert (society.imprint, society.accent) == ("Written meanwhile", "#0b5c63")
    assert society.tagline == "A colleague's"
