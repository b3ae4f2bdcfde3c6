"""{% translate %} of the site does what Django's does, and asks for a fixed text once."""

import pytest
from django.template import Context, Template, engines
from django.template.base import Parser
from django.utils import translation
from django.utils.translation import trans_real

from portal.formats import translate_tag

TEXTS = [
    '{% translate "Members" %}',
    '{% trans "Members" %}',
    "{% translate 'Members' %}|{% translate \"Log in\" %}",
    '{% translate "100 %" %}{% translate "<b>&" %}{% translate "" %}',
    '{% translate "Members"|lower %}',
    '{% translate "Turn" context "a photo" %}',
    '{% translate "Members"|add:said %}',
    '{% translate "Members" noop %}',
    '{% translate "Members" as shown %}{{ shown }}{{ shown }}',
    "{% translate said %}",
    '{% autoescape off %}{% translate "<b>&" %}{% translate said %}{% endautoescape %}',
]


def rendered(source: str) -> list[str]:
    """Render a template in several languages, one after the other and once more."""
    template = Template("{% load i18n %}" + source, engine=engines["django"].engine)
    shown = []
    for number, language in enumerate(["en-gb", "de", "en-gb", "de", None]):
        with translation.override(language):
            shown.append(template.render(Context({"said": f"{number} & <guests>"})))
    return shown


@pytest.mark.parametrize("source", TEXTS)
def test_the_tag_does_as_djangos(source, monkeypatch):
    ours = rendered(source)

    monkeypatch.setattr(translate_tag, "FixedText", lambda node: node)

    assert ours == rendered(source)


def test_a_text_with_a_context_of_a_variable_is_not_remembered():
    source = '{% load i18n %}{% translate "Turn" context what %}'
    template = Template(source, engine=engines["django"].engine)

    with translation.override("de"):
        shown = [template.render(Context({"what": what})) for what in ("a photo", "nothing")]
        assert shown == [translation.pgettext("a photo", "Turn"), "Turn"]

    assert shown[0] != "Turn"


def test_the_tag_stands_in_for_djangos_in_every_template():
    parser = Parser([], libraries=engines["django"].engine.template_libraries)

    assert parser.libraries["i18n"] is translate_tag.register


def test_translators_see_what_they_have_changed(pseudo, settings):
    settings.DEBUG = True
    template = Template('{% load i18n %}{% translate "Members" %}', engine=engines["django"].engine)
    with translation.override("en-xa"):
        template.render(Context())
        pseudo.asked.clear()
        template.render(Context())

    assert pseudo.asked == {"Members"}


def test_a_fixed_text_is_translated_once_for_a_language(pseudo, monkeypatch):
    template = Template('{% load i18n %}{% translate "Members" %}', engine=engines["django"].engine)
    with translation.override("en-xa"):
        first = template.render(Context())
        monkeypatch.delitem(trans_real._translations, "en-xa")
        pseudo.asked.clear()
        second = template.render(Context())

    assert first == second == "⟦Members⟧"
    assert pseudo.asked == set()
