"""No template, script, style sheet or call has a text of its own that nobody can translate.

It reads the sources: what a page shows only now and then is not on the pages of test_pages.py.
"""

import ast
import re
from html import unescape
from pathlib import Path

import pytest

from .pseudo import WORDS, words

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
OF_NO_FORM = "profiles/directory/models.py"  # tables that are made of others, and shown nowhere
MODULES = sorted(
    path
    for folder in ("portal", "profiles")
    for path in (ROOT / folder).rglob("*.py")
    if not path.match(OF_NO_FORM)
    and not {"management", "migrations", "staging", "buckets", "exposure"} & set(path.parts)
)
NOT_OF_THE_PAGE = re.compile(
    r"\{#.*?#\}"
    r"|\{% blocktranslate\b.*?\{% endblocktranslate %\}"
    r"|\{% block (?:bodyclass|content_class) %\}.*?\{% endblock"
    r"|<(script|style)\b.*?</\1>",
    re.DOTALL,
)
CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
ATTRIBUTE = re.compile(rf"\b(?:{'|'.join(WORDS)}|data-text-[\w-]+)=\"([^\"]*)\"")
BUTTON = re.compile(r'<input type="submit"[^>]*? value="([^"]*)"')
DEFAULT = re.compile(r'\|default(?:_if_none)?:"([^"]*)"|\|(pluralize|yesno)\b')


def unmarked_in(template: str) -> list[str]:
    """Return the texts of a template that it does not have translated."""
    template = NOT_OF_THE_PAGE.sub("", template)
    found = [default or suffix for default, suffix in DEFAULT.findall(template)]
    page = unescape(CODE.sub("", template))
    found += [*ATTRIBUTE.findall(page), *BUTTON.findall(page)]
    found += re.split(r"<[^>]*>", page)
    return [text for each in found for text in words(each)]


def test_each_template_has_its_texts_translated():
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in TEMPLATES
        if path.suffix in {".html", ".txt"}
        for text in unmarked_in(path.read_text())
    }

    assert found == set()


@pytest.mark.parametrize(
    "template",
    [
        "<p>Two words</p>",
        '<p>{% translate "One" %} and another</p>',
        '<img alt="A photo">',
        '<input type="submit" class="default" value="Send">',
        '{{ name|default:"Nobody" }}',
        "{{ count }} {% translate 'day' %}{{ count|pluralize }}",
    ],
)
def test_an_unmarked_text_of_a_template_is_seen(template):
    assert unmarked_in(template) != []


# Scripts take what they say from the page. What has no blank is a name in code.
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\]|\\.)*)`')
OF_CODE = {"use strict", "tags suggested"}  # a directive, and two classes
SELECTOR = re.compile(r"[\[\]#=]")


def texts_of(script: str) -> list[str]:
    """Return the strings of a script that are for people."""
    script = re.sub(r"(?s:/\*.*?\*/)|^\s*//.*$|\s// .*$", "", script, flags=re.MULTILINE)
    strings = ["".join(groups) for groups in STRING.findall(script)]
    shown = [re.sub(r"\$\{[^}]*\}", "", text) for text in strings]
    for_people = [text for text in shown if re.search(r"[A-Za-z]{2,}[^<>]* |^[A-Z][a-z]+$", text)]
    return [text for text in for_people if text not in OF_CODE and not SELECTOR.search(text)]


@pytest.mark.parametrize("path", sorted((ROOT / "static").glob("*.js")), ids=lambda path: path.name)
def test_a_script_takes_its_texts_from_the_page(path):
    names = {"Content-Type", "Retry-After", "Thumbs.db", "Accept"}

    assert set(texts_of(path.read_text())) - names == set()


@pytest.mark.parametrize(
    "script",
    ['say("Not sent. Again?");', "// a comment\nsay(`Sending ${name} …`); // another\nnext();"],
)
def test_a_text_in_a_script_is_seen(script):
    assert texts_of(script) != []


@pytest.mark.parametrize("path", sorted((ROOT / "static").glob("*.css")), ids=lambda p: p.name)
def test_a_style_sheet_has_no_text(path):
    contents = re.findall(r"content:([^;}]*)", path.read_text())

    strings = [text for content in contents for text in re.findall(r'"([^"]*)"', content)]
    assert [text for text in strings if words(text)] == []


# Calls of which an argument is shown to people.
FOR_PEOPLE = {"ValidationError", "add_error", "display", "action"}
OF_MESSAGES = {"success", "info", "warning", "error"}
KEYWORDS = {"help_text", "verbose_name", "label", "description", "title"}


def unmarked_in_module(source: str) -> list[str]:
    """Return the texts that a module shows without having them translated."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        owner = getattr(getattr(call.func, "value", None), "id", "")
        is_message = name in OF_MESSAGES and owner == "messages"
        shown = call.args if is_message or name in FOR_PEOPLE else []
        if any(each.arg == "editable" for each in call.keywords):
            continue  # no form shows it, and its help text is for who reads the code
        if name == "add_error":
            shown = shown[1:]  # after the name of the field
        if name in FOR_PEOPLE or name.endswith("Field"):
            shown = [*shown, *(each.value for each in call.keywords if each.arg in KEYWORDS)]
        found += [text for each in shown for text in literal(each)]
    return found


def literal(node) -> list[str]:
    """Return a text that stands in the code, with or without values in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return words(node.value)
    return [ast.unparse(node)] if isinstance(node, ast.JoinedStr) else []


def test_each_text_that_a_module_shows_is_marked():
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in MODULES
        for text in unmarked_in_module(path.read_text())
    }

    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        'messages.success(request, "It is saved.")',
        'raise ValidationError(f"{n} are too many.")',
        'CharField(help_text="One line")',
    ],
)
def test_an_unmarked_text_of_a_module_is_seen(source):
    assert unmarked_in_module(source) != []


SIDES = re.compile(
    r"(?:margin|padding|border)-(?:left|right)\b|(?:float|text-align): *(?:left|right)"
    r"|[;{] *(?:left|right): *0",
)


@pytest.mark.parametrize(
    "path", [*(ROOT / "static").glob("*.css"), *(ROOT / "templates").glob("*.css")], ids=str
)
def test_a_style_sheet_knows_no_left_and_right(path):
    """Of a page that runs to the left, the beginning is on the right."""
    assert SIDES.findall(path.read_text()) == []


@pytest.mark.parametrize("rule", ["margin-left: 1rem", "text-align: right", "top: 0; left: 0"])
def test_a_side_in_a_style_sheet_is_seen(rule):
    assert SIDES.search(f"p {{ {rule}; }}")
