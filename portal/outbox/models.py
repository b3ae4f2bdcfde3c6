from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.sentences.stored import shown

from .composers import TITLES


class OutgoingMessageQuerySet(models.QuerySet):
    """Queries for messages by what has to be done with them."""

    def due(self, now):
        """Return the messages to claim: new, to be retried, or claimed by a sender that died."""
        return self.filter(state__in=PENDING, due_at__lte=now).order_by("due_at", "pk")

    def troubled(self):
        """Return the messages that failed at least once and have not been delivered since."""
        State = self.model.State
        return self.filter(Q(state=State.FAILED) | Q(state__in=PENDING) & ~Q(last_error=""))


class OutgoingMessage(models.Model):
    """An e-mail to one address, written in the same transaction as the change it is about.

    A message that would hold a secret has a kind instead of content: a composer makes its token and
    text at delivery (composers.py). Content and context are deleted after delivery.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be delivered")

    kind = models.CharField(max_length=50, blank=True, editable=False)
    to = models.TextField(pgettext_lazy("whom a message goes to", "to"), editable=False)
    subject = models.TextField(_("subject"), blank=True, editable=False)
    content = models.BinaryField(blank=True, default=b"")  # as RFC 5322 has it, with LF
    context = models.JSONField(blank=True, default=dict, editable=False)
    message_id = models.CharField("Message-ID", max_length=255, editable=False)
    about_account = models.BooleanField(
        default=False,
        editable=False,
        help_text="Goes to the member even if their account is inactive.",
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.WAITING, editable=False
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    handed_over = models.PositiveSmallIntegerField(
        default=0,
        editable=False,
        help_text="How often the text went to the mail server and its answer was not recorded.",
    )
    last_error = models.TextField(_("why"), blank=True, editable=False)
    written_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(
        _("next attempt"),
        default=timezone.now,
        editable=False,
        help_text="While the message is being sent: when its sender is given up for dead.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)

    objects = OutgoingMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-written_at", "-pk"]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="outbox_pending",
                condition=Q(state__in=["waiting", "sending"]),
            ),
        ]

    def __str__(self):
        return gettext("%(title)s to %(address)s") % {"title": self.title, "address": self.to}

    @property
    def title(self) -> str:
        """The subject; the kind in words until a composer has given the message a subject."""
        in_words = TITLES.get(self.kind) or self.kind.replace("_", " ").capitalize()
        return self.subject or str(in_words)

    @property
    def why(self) -> str:
        """Why it was not delivered, in the active language."""
        return shown(self.last_error)


PENDING = [OutgoingMessage.State.WAITING, OutgoingMessage.State.SENDING]
