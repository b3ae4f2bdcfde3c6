"""Template filters for what people write: which way it runs, and links in it."""

import re

from django import template
from django.utils.html import Urlizer, format_html, format_html_join
from django.utils.text import normalize_newlines

from portal.accounts.email_address import shown
from profiles.details import dialled, is_link, link_label, split_skills

register = template.Library()

# No search engine counts the link, and the page that it leads to learns nothing of this one.
LINK = '<a href="{}" rel="nofollow noopener noreferrer ugc" dir="ltr">{}</a>'

find = Urlizer()  # where an address begins and ends is Django's to say, and what it may be is ours
SIGN_OF_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)


@register.filter
def paragraphs(text):
    """Return a text as paragraphs, each in the direction of its own letters, with its links."""
    parts = re.split(r"\n{2,}", normalize_newlines(text).strip())
    return format_html_join("\n", '<p dir="auto">{}</p>', ((with_links(part),) for part in parts))


@register.filter
def with_links(text):
    """Return a text whose addresses of pages are links; anything else in it is escaped."""
    pairs, plain = [], ""  # of text and the link behind it; most texts are escaped at once
    for word in find.word_split_re.split(text) if SIGN_OF_ADDRESS.search(text) else [text]:
        before, link, after = linked(word)
        plain += before
        if link:
            pairs.append((plain, link))
            plain = after
    return format_html_join("", "{}{}", [*pairs, (plain, "")])


def linked(word: str) -> tuple[str, str, str]:
    """Return a word as what stands before an address, the address as a link, and what follows."""
    if "." not in word or not SIGN_OF_ADDRESS.search(word):
        return word, "", ""
    before, address, after = find.trim_punctuation(word)
    link = f"https://{address}" if address.lower().startswith("www.") else address
    if not is_link(link):
        return word, "", ""
    return before, format_html(LINK, link, address), after


@register.filter
def skill_list(text):
    """Return the skills of a text with commas between them."""
    return split_skills(text)


@register.filter
def link_list(text):
    """Return links, each as an item of a list that shows the host."""
    links = ((link, link_label(link)) for link in text.split() if is_link(link))
    return format_html_join("", f"<li>{LINK}</li>", links)


@register.filter
def telephone(text):
    """Return a telephone number as a link that dials it."""
    return format_html('<a href="tel:{}" dir="ltr">{}</a>', dialled(text), text)


@register.filter
def shown_address(address):
    """Return an e-mail address with its domain in its own letters."""
    return shown(address)
