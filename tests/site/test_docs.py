"""The documentation is what people paste: it parses, and names nothing that is not there."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
STAGING = (ROOT / "docs/staging.md").read_text()


def json_blocks(text: str) -> list[str]:
    return re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    return STAGING.split(f"## {heading}\n")[1].split("\n## ")[0]


def listed(value) -> list:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_policies_parse_and_are_policies(page):
    for block in json_blocks(page.read_text()):
        policy = json.loads(block)

        assert policy["Version"] == "2012-10-17"
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            assert {"Action"} < statement.keys()


def test_there_are_policies_to_paste():
    """The tests beside this one would pass without any."""
    assert len(json_blocks(STAGING)) == 6


def test_the_read_only_key_may_only_read():
    blocks = json_blocks(section("The read-only key for live"))

    actions = {
        action
        for block in blocks
        for statement in json.loads(block)["Statement"]
        for action in listed(statement["Action"])
    }

    assert len(blocks) == 2
    assert actions == {"s3:GetObject", "s3:ListBucket"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_documentation_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text())

    for path, heading in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not heading or heading in headings(target), f"{path}#{heading}"


def headings(page: Path) -> list[str]:
    """The headings of a page as GitHub makes anchors of them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_documentation_write_over_nothing_of_the_clone_they_are_typed_in(page):
    written = re.findall(r"^    .*> ([\w./-]+)$", page.read_text(), re.MULTILINE)

    assert [name for name in written if (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_documentation_exist(page):
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))

    assert named <= get_commands().keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_in_the_documentation_exist(page):
    known = (ROOT / ".env.example").read_text()
    named = set(
        re.findall(r"\b((?:AWS|LIVE|BATCH|ASSETS|PROTECTED|MEDIA)_[A-Z0-9_]+)", page.read_text())
    )

    named -= {"LIVE_STORAGES"}  # a setting, which docs/reuse.md explains
    assert [name for name in named if f"\n{name}=" not in known and not name.endswith("_")] == []
