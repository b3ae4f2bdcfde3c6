"""Names of browsers and systems for people, found in the User-Agent header."""

from django import template
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

register = template.Library()

# The first match counts: a browser's header also names the browsers that it is compatible with.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox",
    "FxiOS/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": _("an iPhone"), "iPad": _("an iPad"), "Android": "Android", "Windows": "Windows",
    "CrOS": "ChromeOS", "Macintosh": _("a Mac"), "Linux": "Linux",
}  # fmt: skip


@register.filter
def in_words(user_agent: str) -> str:
    """Return a User-Agent header in words, such as "Chrome on Windows"."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if not system:
        return browser or gettext("A browser or program that does not say which")
    if not browser:
        return gettext("A browser on %(system)s") % {"system": system}
    return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
