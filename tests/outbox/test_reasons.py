"""The reasons of failures, as the staff read them in the outbox."""

import smtplib

import pytest

from portal.outbox.delivery import in_words
from portal.sentences.stored import shown


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"No such user")}),
            "The mail server refused the address: 550 No such user",
        ),
        (
            smtplib.SMTPAuthenticationError(535, b"for user secret"),
            "The mail server refused the site's own log-in (EMAIL_URL): 535",
        ),
        (
            smtplib.SMTPDataError(554, b"Spam"),
            "The mail server refused the message: 554 Spam",
        ),
        (
            TimeoutError("timed out"),
            "The mail server did not answer as it should: timed out",
        ),
        (
            ConnectionResetError(),
            "The mail server did not answer as it should: ConnectionResetError",
        ),
        (
            KeyError("a secret"),
            "The site could not make the message (KeyError); its log says more.",
        ),
    ],
    ids=["address", "log-in", "message", "connection", "nothing said", "code"],
)
def test_a_reason_names_the_servers_code_and_reply_but_nothing_of_the_sites_own(error, words):
    assert shown(in_words(error)) == words
