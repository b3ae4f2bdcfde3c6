import signal

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from portal.outbox import delivery
from portal.outbox.sender import Sender


class Command(BaseCommand):
    help = (
        "Delivers the e-mail that waits in the outbox, until SIGTERM. The web processes do so, "
        "too, unless OUTBOX_IN_WEB is off; no message is sent by both. With --once, it ends when "
        "nothing is due any more."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="deliver what is due, and end")

    def handle(self, *, once, **options):
        if settings.OUTBOX_BACKEND is None:
            raise CommandError("E-mail is not configured: set EMAIL_URL.")
        if once:
            outcomes = delivery.deliver_due()
            self.stdout.write(
                f"{outcomes[delivery.SENT]} sent, {outcomes[delivery.RETRY]} to be tried again, "
                f"{outcomes[delivery.FAILED]} could not be delivered."
            )
            return
        sender, ends = Sender(), {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        sender.start()
        signal.sigwait(ends)
        sender.stop()
        sender.join()  # to the end of the message that it is sending
