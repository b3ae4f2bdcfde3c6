import signal

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from portal.outbox import delivery
from portal.outbox.models import OutgoingMessage
from portal.outbox.sender import Sender


class Command(BaseCommand):
    help = (
        "Delivers the e-mail that waits in the outbox, until SIGTERM. The web processes do so, "
        "too, unless OUTBOX_IN_WEB is off; no message is sent by both. With --once, it ends when "
        "nothing is due any more, or the mail server cannot be reached; exit status 1 if a message "
        "was not accepted."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="deliver what is due, and end")

    def handle(self, *, once, **options):
        if settings.OUTBOX_BACKEND is None:
            raise CommandError("E-mail is not configured: set EMAIL_URL.")
        if once:
            outcomes = delivery.deliver_due()
            summary = (
                f"{outcomes[delivery.SENT]} sent, {outcomes[delivery.RETRY]} to be tried again, "
                f"{outcomes[delivery.FAILED]} could not be delivered."
            )
            if outcomes[delivery.RETRY] or outcomes[delivery.FAILED]:
                waiting = OutgoingMessage.objects.due(timezone.now()).count()
                raise CommandError(
                    f"{summary} {waiting} more are due. The admin has the reasons, under E-mail."
                )
            self.stdout.write(summary)
            return
        sender, ends = Sender(), {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        sender.start()
        signal.sigwait(ends)
        sender.stop()
        sender.join()  # to the end of the message that it is sending
