"""The time that a reset of a password takes, for known and for unknown addresses.

The web line with a mail server that takes 300 ms for each message. Known and unknown addresses take
turns; their ratio should be 1, or somebody could tell from outside who is a member.
"""

import re
import time
import urllib.parse

from tests.support.dyno import Visitor, eventually
from tests.support.mail_server import MailServer

from .report import Result, paired
from .served import running
from .sites import HOST, PORTAL, both_sites

RESETS, SERVER_SECONDS = 200, 0.3
RESET = "/accounts/password/reset/"


def measure(resets: int = RESETS) -> list[Result]:
    """Reset the passwords of members, and of nobody."""
    times = {"known": [], "unknown": []}
    with both_sites(resets, [PORTAL]) as sites, MailServer() as mail:
        mail.pause = SERVER_SECONDS
        environ = {"EMAIL_URL": f"smtp://127.0.0.1:{mail.port}", "TRUSTED_PROXY_COUNT": "1"}
        with running(sites[PORTAL], **environ) as web:
            assert web.serves(), web.said()
            visitor = Visitor(web.port, HOST)
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', visitor.get(RESET).text)[1]
            for number in range(resets):
                for turn, kind in enumerate(times):
                    email = f"{number}@example.{'org' if kind == 'known' else 'net'}"
                    times[kind].append(1000 * ask(visitor, email, token, 2 * number + turn))
            if not eventually(lambda: len(mail.accepted) == resets, 300):
                print(f"Only {len(mail.accepted)} of {resets} messages were delivered.")
    return [paired("reset", "known beside unknown addresses", "ms", *times.values())]


def ask(visitor: Visitor, email: str, token: str, client: int) -> float:
    """Return the seconds of a reset; each client has an address of its own, as limits count."""
    body = urllib.parse.urlencode({"email": email, "csrfmiddlewaretoken": token})
    headers = {
        "Origin": f"https://{HOST}",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Forwarded-For": f"203.0.{client // 250}.{client % 250}",
    }
    began = time.perf_counter()
    answer = visitor.request("POST", RESET, body=body, headers=headers)
    seconds = time.perf_counter() - began
    assert answer.status == 302, f"A reset was answered {answer.status}."
    return seconds
