"""The society in which the moments are lived, and the table of them: make moments."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from profiles.management.commands import seed_demo
from profiles.models import User
from profiles.society import current
from tests.conftest import PASSWORD
from tests.site.test_browser import browser, live_server, requests_ended  # noqa: F401 - fixtures
from tests.support.moments import DESK, MOST_CLICKS, PHONE, PLAIN, Person, table

# ruff: noqa: F811 - fixtures are named as what is imported

DEMO = tomllib.loads((seed_demo.DEMO / "members.toml").read_text(encoding="utf-8"))
MEMBERS = [*DEMO["members"][:4], *DEMO["members"][7:9]]  # each costs half a second
TIMEOUT_MS = 10_000
HERE = Path(__file__).parent


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "moment(number, who, what, clicks, needs_scripts): one of the 24 moments of a society",
    )


def pytest_generate_tests(metafunc):
    """Live each moment on a phone, at a desk, and on a phone without JavaScript."""
    if "person" in metafunc.fixturenames:
        devices = [PHONE, DESK]
        if not about(metafunc.definition)["needs_scripts"]:
            devices.append(PLAIN)
        metafunc.parametrize("person", devices, indirect=True, ids=str)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items):
    """Leave one moment in make test, another each day; make moments has all of them."""
    lived = [item for item in items if HERE in item.path.parents]
    quick = [
        item for item in lived if "[360]" in item.name and not item.get_closest_marker("whole")
    ]
    of_today = quick[date.today().toordinal() % len(quick)] if quick else None
    for item in lived:
        if item is not of_today:
            item.add_marker("whole")


def about(item) -> dict:
    """Return what a test's marker tells of the moment."""
    number, who, what = item.get_closest_marker("moment").args
    told = {"limit": MOST_CLICKS, "needs_scripts": False}
    return told | {"number": number, "who": who, "what": what} | dict(marker_of(item))


def marker_of(item):
    renamed = {"clicks": "limit"}
    for name, value in item.get_closest_marker("moment").kwargs.items():
        yield renamed.get(name, name), value


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Judge the person's way at the end of a moment, and keep what the table needs."""
    person = pyfuncitem.funcargs.get("person")
    passed = False
    try:
        result = yield
        if person:
            person.judge(about(pyfuncitem)["limit"])
            assert person.page.complaints == []
        passed = True
        return result
    finally:
        if person:
            lived = about(pyfuncitem) | {
                "clicks": person.clicks,
                "has_scripts": person.device.has_scripts,
                "violations": len(person.violations),
                "sideways": person.sideways,
                "passed": passed,
            }
            pyfuncitem.user_properties.append(("moment", lived))


def pytest_terminal_summary(terminalreporter):
    reports = [report for each in terminalreporter.stats.values() for report in each]
    lived = [
        value
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name == "moment"
    ]
    if lived:
        terminalreporter.section("moments")
        for line in table(lived):
            terminalreporter.line(line)


@pytest.fixture
def society(transactional_db):
    """A part of the demo's society, whose members all have the tests' password."""
    addresses = {member["email"] for member in MEMBERS}
    slugs = {member["slug"] for member in MEMBERS}
    opened = [each for each in DEMO["downloads"]["opened"] if each[0] in slugs and each[1] in slugs]
    passwords = {"member": PASSWORD, "staff": PASSWORD}
    demo = DEMO | {"members": MEMBERS, "downloads": {"opened": opened}}
    seed_demo.add_missing_members(demo, passwords)
    current.forget()
    return User.objects.filter(email__in=addresses)


@pytest.fixture
def person(request, live_server):
    """Somebody whom nobody knows yet, in a browser of their own."""
    device = request.param
    browser = request.getfixturevalue("browser")  # else tests/conftest.py keeps it for make whole
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": device.width, "height": 800},
        color_scheme=device.scheme,
        java_script_enabled=device.has_scripts,
        accept_downloads=True,
    )
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda each: each.type == "error" and page.complaints.append(each.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield Person(page, device, about(request.node)["number"])
    context.close()


@pytest.fixture
def log_in(live_server):
    """A function that logs a person in: with the password, or as one who was here last week."""

    def enter(person, user, address="/", *, with_password=False):
        if with_password:
            person.page.goto(f"/accounts/login/?next={address}")
            person.type("Email", user.email)
            person.type("Password", PASSWORD)
            person.page.get_by_role("main").get_by_role("button", name="Log in").click()
            person.page.wait_for_url(f"**{address}")
            return
        client = Client()
        client.force_login(user)
        cookie = client.cookies["sessionid"]
        person.page.context.add_cookies(
            [{"name": "sessionid", "value": cookie.value, "url": live_server.url}]
        )
        person.page.goto(address)

    return enter
