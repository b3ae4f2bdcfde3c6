"""What a browser calls itself, in words that its owner knows it by."""

from django import template

register = template.Library()

# The first that is found counts: browsers name those before them that they want to be taken for.
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
    """Return "Chrome on Windows" for a User-Agent header, or what is known of it."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if browser == "A browser" and not system:
        return "A browser or program that does not say which"
    return f"{browser} on {system}" if system else browser
