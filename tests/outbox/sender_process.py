"""A sender in a process of its own, to be killed: python -m tests.outbox.sender_process.

With pauses that a test has the time for; a lease has to be longer than a message takes.
"""

import os
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"

import django

django.setup()

from portal.outbox import delivery, sender, smtp  # noqa: E402

delivery.LEASE = timedelta(seconds=1)
delivery.PAUSES = [timedelta(seconds=0.2)] * 200
sender.POLL_SECONDS = 0.1
smtp.TEXT_SECONDS = 0.3

if __name__ == "__main__":
    sender.Sender().run()
