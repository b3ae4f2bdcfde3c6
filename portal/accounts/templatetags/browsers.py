"""Names of browsers and systems for people, found in the User-Agent header."""

from django import template

register = template.Library()

# The first match counts: a browser's header also names the browsers that it is compatible with.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox",
    "FxiOS/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "an iPhone", "iPad": "an iPad", "Android": "Android", "Windows": "Windows",
    "CrOS": "ChromeOS", "Macintosh": "a Mac", "Linux": "Linux",
}  # fmt: skip


@register.filter
def in_words(user_agent: str) -> str:
    """Return a User-Agent header in words, such as "Chrome on Windows"."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if browser == "A browser" and not system:
        return "A browser or program that does not say which"
    return f"{browser} on {system}" if system else browser
