"""Django's tags for languages, with a shorter way to {% translate "a text that is fixed" %}.

TEMPLATES has them under Django's own name. A page has some fifty such texts. Django makes a lazy
text of each, for each page, which costs three times as much as to look up what it came to before.
"""

from django.conf import settings
from django.template import Library, Node
from django.templatetags import i18n
from django.utils.translation import get_language

register = Library()
register.tags |= i18n.register.tags
register.filters |= i18n.register.filters


class FixedText(Node):
    """A text without variables, translated once for each language of a process."""

    child_nodelists = ()

    def __init__(self, node: i18n.TranslateNode):
        self.node = node
        self.texts: dict[str | None, str] = {}

    def render(self, context):
        language = get_language()
        text = self.texts.get(language)
        if text is None:
            text = self.texts[language] = self.node.render(context)
        return text


@register.tag
def translate(parser, token):
    """Translate a text, as Django's tag does, which has the options."""
    node = i18n.do_translate(parser, token)
    text = node.filter_expression
    is_fixed = text.var.lookups is None and not text.filters
    if not is_fixed or node.asvar or node.message_context:
        return node
    if settings.DEBUG:  # translators see a new catalogue without a restart
        return node
    return FixedText(node)


register.tag("trans", translate)
