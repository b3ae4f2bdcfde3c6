"""The site as people use it, in Chromium, if it is installed."""

import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from profiles.models import Profile
from profiles.society.models import Society
from tests.conftest import PASSWORD, make_member
from tests.support import samples
from tests.support.addresses import addresses

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
]


@pytest.fixture(scope="module")
def browser():
    # Playwright runs a loop of its own in this thread, which Django would take for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def live_server(django_db_setup, live_server):
    # In this order, the server's threads use the test's own connection, as Django has it; in the
    # other each makes one to the database in memory, and none of these is ever closed.
    server = live_server.thread.httpd
    server.set_app(one_at_a_time(server.get_app()))
    return live_server


def one_at_a_time(app):
    """Have requests wait for one another: threads that share a connection share transactions.

    One that reads while another writes would see what is rolled back, lose its session, or be told
    that a table is locked.
    """
    turn = threading.Lock()

    def serve(environ, start_response):
        with turn:
            return app(environ, start_response)

    return serve


@pytest.fixture(autouse=True)
def requests_ended(transactional_db):
    """Let the server finish before the tables are emptied, which it would keep locked.

    A browser that is closed does not wait for the answers to its last requests.
    """
    yield
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=20)


@pytest.fixture
def page(browser, live_server):
    """A page that fails the test for whatever it complains about in its console."""
    context = browser.new_context(base_url=live_server.url, accept_downloads=True)
    page = context.new_page()
    complaints = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    context.close()
    assert complaints == []


def log_in(page, email):
    page.goto("/")
    page.get_by_role("link", name="Log in").first.click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.whole  # make test has a browser in tests/moments alone, and headers in test_headers.py
@pytest.mark.parametrize("where", ["disk", "s3"])
def test_a_member_finds_somebody_opens_a_resume_and_leaves(request, where):
    """H4: after the log-out the Back button shows nothing private."""
    if where == "s3":
        request.getfixturevalue("on_s3")
    owner = request.getfixturevalue("owner")
    make_member("ada@example.org", name="Ada Lovelace")
    page = request.getfixturevalue("page")
    owner.profile.bio = "A biography for members alone."
    owner.profile.save()

    log_in(page, "ada@example.org")
    page.get_by_role("link", name="Members").first.click()
    page.get_by_role("searchbox").fill("somerville")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Mary Somerville").click()
    with page.expect_download() as opened:
        page.get_by_role("link", name="Open resume").click()

    assert opened.value.suggested_filename == "Mary Somerville - resume.pdf"
    assert Path(opened.value.path()).read_bytes() == samples.pdf()

    expect(page.get_by_text("A biography for members alone.")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in").first).to_be_visible()
    page.go_back()

    expect(page.get_by_text("A biography for members alone.")).not_to_be_visible()
    page.complaints.clear()  # the page before is for members: its 404 is what was wanted


@pytest.mark.whole
@pytest.mark.parametrize("where", ["disk", "s3"])
def test_a_link_to_a_resume_survives_the_log_in(request, where):
    """The policy for forms lets the log-in end in a redirect to the bucket."""
    if where == "s3":
        request.getfixturevalue("on_s3")
    owner = request.getfixturevalue("owner")
    make_member("ada@example.org", name="Ada Lovelace")
    page = request.getfixturevalue("page")

    page.goto(f"/members/{owner.profile.pk}/resume/")
    page.complaints.clear()  # the refusal, 403, is what was wanted
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_download() as opened:
        page.get_by_role("button", name="Log in").click()

    assert Path(opened.value.path()).read_bytes() == samples.pdf()


def test_staff_upload_a_photo_that_the_directory_shows(on_s3, staff, member, page, tmp_path):
    photo = tmp_path / "IMG_0001.JPG"
    photo.write_bytes(samples.jpeg())

    log_in(page, staff.email)
    page.goto("/admin/profiles/user/")
    page.get_by_role("link", name="Ada Lovelace").click()
    page.locator("input[name=profile-0-avatar]").set_input_files(photo)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.goto("/members/")

    avatar = Profile.objects.get(user=member).avatar.url
    shown = page.locator(f'img[src="{avatar}"]')
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.naturalWidth") > 0


PUBLIC = ["/", "/members/", "/accounts/login/", "/accounts/password/reset/", "/accounts/signup/"]
MEMBERS = ["/", "/members/", "/me/", "/me/edit/", "/me/resume/opened/", "/accounts/email/",
           "/accounts/password/change/", "/accounts/2fa/", "/accounts/2fa/totp/activate/",
           "/accounts/2fa/webauthn/add/", "/accounts/sessions/", "/accounts/logout/"]  # fmt: skip
ADMIN = ["", "profiles/user/", "profiles/user/add/", "profiles/resumedownload/",
         "mfa/authenticator/", *(f"profiles/user/{{pk}}/{what}/"
         for what in ("change", "history", "password", "delete", "second-factors"))]  # fmt: skip


def pages_of(user, routes) -> set[str]:
    """The addresses at which somebody is shown a page: those of the resolver, as the matrix has."""
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    answers = {route: client.get(route) for route in routes}
    return {
        route
        for route, answer in answers.items()
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
    }


def test_no_page_breaks_its_own_policy(on_s3, people, examples, page):
    """H2: what a page may not load or run, the browser complains about, and `page` fails."""
    owner, chief = people["owner"], people["superuser"]
    owner.profile.visibility = "public"
    owner.profile.save()
    routes = [examples(route) for route in addresses()]

    public = {*PUBLIC, *pages_of(None, routes)}
    statuses = {address: page.goto(address).status for address in sorted(public)}
    log_in(page, chief.email)
    # After a log-in just now, some pages are shown that first ask a client for the password.
    others = {*MEMBERS, *(f"/admin/{part.format(pk=owner.pk)}" for part in ADMIN)}
    pages = {*others, *pages_of(chief, routes)} - {"/accounts/logout/"}
    statuses |= {address: page.goto(address).status for address in sorted(pages)}

    assert {address for address, status in statuses.items() if status != 200} == set()
    assert len(statuses) > 40


@pytest.fixture
def framing_site(live_server):
    """Another site on this machine, whose one page has the members' page in a frame."""

    class Framing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe src='{live_server.url}/members/'></iframe>".encode())

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Framing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("is_guarded", [True, False])
def test_no_other_site_can_frame_a_page(page, framing_site, member, is_guarded):
    """H4: without the headers, the control, the page is in the frame."""
    log_in(page, member.email)

    def unguarded(route):
        answer = route.fetch()
        guards = {"content-security-policy", "x-frame-options"}
        headers = {name: value for name, value in answer.headers.items() if name not in guards}
        route.fulfill(headers=headers, body=answer.text())

    if not is_guarded:
        page.route("**/members/", unguarded)
    page.goto(framing_site)
    is_shown = page.frames[1].get_by_role("searchbox").count() > 0
    complaints, page.complaints[:] = list(page.complaints), []

    assert is_shown is not is_guarded
    assert any("frame-ancestors" in said for said in complaints) is is_guarded, complaints


@pytest.mark.parametrize("is_guarded", [True, False])
def test_an_injected_script_does_not_run(page, staff, is_guarded):
    """H2: neither an element nor an attribute; without the policy, the control, both run."""
    log_in(page, staff.email)

    def inject(route):
        answer = route.fetch()
        headers = dict(answer.headers)
        if not is_guarded:
            del headers["content-security-policy"]
        evil = "<script>window.ran = 1</script><img src=data: onerror='window.ran_too = 1'></body>"
        route.fulfill(headers=headers, body=answer.text().replace("</body>", evil))

    for address in ["/members/", "/admin/"]:
        page.complaints.clear()
        page.route(f"**{address}", inject)
        page.goto(address)

        ran = page.evaluate("[window.ran, window.ran_too]")
        blocked = [said for said in page.complaints if "Content Security Policy" in said]
        page.complaints.clear()
        assert (ran, len(blocked)) == (([None, None], 2) if is_guarded else ([1, 1], 0)), address


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (180, "light"), (1280, "light")])
def test_every_page_is_accessible(browser, live_server, owner, staff, width, scheme):
    """No fault that axe can find, and nothing to scroll sideways for; 180 is a phone at 200 %."""
    owner.profile.visibility = "public"
    owner.profile.save()
    Society.objects.create(
        name="S", accent="#7a2d5c", contact="Ana", privacy_notice="# What\n\n*we*"
    )
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page = context.new_page()
    profile = owner.profile.get_absolute_url()

    for address in ["/", "/members/", profile, f"{profile}resume/", "/accounts/password/reset/"]:
        assert_accessible(page, address)
    log_in(page, staff.email)
    for address in ["/", "/members/", profile, "/me/", "/me/edit/", "/me/resume/opened/", "/x",
                    "/me/data/", "/society/privacy/",
                    "/accounts/password/change/", "/accounts/email/", "/accounts/2fa/",
                    "/accounts/sessions/"]:  # fmt: skip
        assert_accessible(page, address)
    context.close()


def assert_accessible(page, address):
    page.goto(address)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{address}: {found.generate_report()}"
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], address
