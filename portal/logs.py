import logging
import re

# A link is a key while it lives: the local twin's token, S3's signature, a set-password key.
LINKS = re.compile(
    r"(/protected/|/password/reset/key/|X-Amz-Signature=|X-Amz-Credential=)[^\s\"'&<>]+"
)


class RedactLinks(logging.Filter):
    """Keeps links that open something out of the log."""

    def filter(self, record):
        message = record.getMessage()
        redacted = LINKS.sub(r"\1[redacted]", message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True
