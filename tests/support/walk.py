"""Open every page and file that links lead to: python -m tests.support.walk, by a site's settings.

Prints a line of JSON: the pages and files that opened, and those that did not. It goes as a
visitor, as a member and as staff, from the home page and from the admin's start page.
"""

import json
import re
import sys
import urllib.request
from collections import Counter
from html import unescape
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

import django

ADDRESSES = re.compile(r'\b(?:href|src|srcset)="([^"]+)"')
HOST = "127.0.0.1"
MAX_QUERIES = 3  # of one path with the same names: filters, letters and pages of a list
UNLIKE_PAGES = ("/accounts/logout", "/admin/logout")


def main() -> int:
    django.setup()
    from django.test import Client

    from profiles.models import User

    people = {
        "visitor": None,
        "member": User.objects.filter(is_active=True, is_staff=False).exclude(password="").first(),
        "staff": User.objects.filter(is_superuser=True).first(),
    }
    pages, files, faults = {}, {}, {}
    for role, user in people.items():
        client = Client(SERVER_NAME=HOST, raise_request_exception=False)
        if user:
            client.force_login(user)
        walk(client, role, "/admin/" if user and user.is_staff else "/", pages, files, faults)
    print(json.dumps({"pages": pages, "files": files, "faults": faults}))
    return 0


def walk(client, role: str, start: str, pages: dict, files: dict, faults: dict) -> None:
    """Follow all links of one role; writes what opened, and what did not, into the dictionaries."""
    waiting, known, queries = [start], set(), Counter()
    while waiting:
        path = waiting.pop()
        answer = client.get(path, secure=True)
        if answer.status_code not in (200, 302):
            faults[f"{role} {path}"] = f"status {answer.status_code}"
            continue
        pages[f"{role} {path}"] = answer.status_code
        found = [answer["Location"]] if answer.status_code == 302 else []
        if answer["Content-Type"].startswith("text/html") and not answer.streaming:
            text = answer.content.decode()
            found += [part for each in ADDRESSES.findall(text) for part in parts(unescape(each))]
        for address in found:
            address = urldefrag(urljoin(f"https://{HOST}{path}", address)).url
            split = urlsplit(address)
            if address in known or split.hostname != HOST:
                continue
            known.add(address)
            if split.port:  # the bucket
                open_file(address, files, faults)
                continue
            if split.query:
                queries[kind_of(split)] += 1
            is_new = queries[kind_of(split)] <= MAX_QUERIES or not split.query
            if is_new and not split.path.startswith(UNLIKE_PAGES):
                waiting.append(split._replace(scheme="", netloc="").geturl())


def kind_of(split) -> tuple:
    """Return what addresses have in common whose queries differ in values alone, or the admin's."""
    if split.path.startswith("/admin/"):
        return (re.sub(r"\d+", "N", split.path),)
    return split.path, *sorted(parse_qs(split.query))


def parts(addresses: str) -> list[str]:
    """Return the addresses of an attribute: a srcset has several, with widths."""
    return [each.split()[0] for each in addresses.split(", ") if each.strip()]


def open_file(address: str, files: dict, faults: dict) -> None:
    name = address.partition("?")[0]
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            files[name] = len(answer.read())
    except OSError as error:
        faults[name] = str(error)


if __name__ == "__main__":
    sys.exit(main())
