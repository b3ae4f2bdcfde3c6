"""Markdown of the society's own texts, as HTML that is safe on any page."""

import re
from functools import lru_cache

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from profiles.templatetags.people import with_links

FIRST_HEADING = 2  # the page has a heading of the first level already
LAST_HEADING = 6
# No pictures: the Content-Security-Policy has them from this site alone.
OPTIONS = {"html": False, "breaks": True}
MARKDOWN = MarkdownIt("commonmark", OPTIONS).enable("table").disable("image")
TAGS = {
    "p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"https", "http", "mailto", "tel"}
E_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)")


@lru_cache(maxsize=16)
def to_html(text: str) -> SafeString:
    """Return a text in Markdown as HTML.

    HTML in the text is shown as it stands. What the parser makes is allowed by a list once more,
    so that a fault of one library does not suffice for a script.
    """
    tokens = MARKDOWN.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1]) + FIRST_HEADING - 1
            token.tag = f"h{min(level, LAST_HEADING)}"
        link_addresses(token.children or [])
    html = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    clean = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener"
    )
    return mark_safe(clean)  # noqa: S308 (the list above has nothing that runs)


def link_addresses(tokens: list) -> None:
    """Make links of the addresses in the texts of a paragraph, as people paste them."""
    links = 0  # that are open: there are none within others
    for token in tokens:
        links += token.nesting if token.tag == "a" else 0
        if token.type == "text" and not links:
            token.type, token.content = "html_inline", linked(token.content)


def linked(text: str) -> str:
    """Return a text as HTML, with a link for each address of a page or a mailbox."""
    parts = E_MAIL.split(text)
    parts[::2] = map(with_links, parts[::2])
    parts[1::2] = (format_html('<a href="mailto:{0}">{0}</a>', each) for each in parts[1::2])
    return "".join(parts)
