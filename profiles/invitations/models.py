"""Invitations: who was invited and has not come, and lists of people that the staff will invite."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from portal.outbox.models import PENDING, OutgoingMessage
from portal.sentences.stored import shown

PASTED = gettext_noop("Pasted lines")  # the title of a list that was no file
LIST_KEPT = timedelta(days=1)  # before it is confirmed
REPORT_KEPT = timedelta(days=30)  # as long as the outbox keeps its records


class State(models.TextChoices):
    """How far an invitation has come."""

    WAITING = "waiting", _("waiting to be sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("could not be sent")
    EXPIRED = "expired", _("expired")


class InvitationQuerySet(models.QuerySet):
    def pending(self):
        """Invitations of members who have never logged in nor chosen a password."""
        return self.filter(
            user__is_active=True,
            user__last_login=None,
            user__password__startswith=UNUSABLE_PASSWORD_PREFIX,
        )

    def with_state(self):
        """Add `state`, and `sent_at`: when the message was sent, or written where it was not yet.

        A link is made when its message is sent, so its days are counted from then.
        """
        sent_at = Coalesce("message__finished_at", F("invited_at"))
        expired = timezone.now() - timedelta(days=settings.INVITATION_DAYS)
        return self.annotate(sent_at=sent_at).annotate(
            state=Case(
                When(message__state__in=PENDING, then=Value(State.WAITING)),
                When(message__state=OutgoingMessage.State.FAILED, then=Value(State.FAILED)),
                When(sent_at__lt=expired, then=Value(State.EXPIRED)),
                default=Value(State.SENT),
            )
        )


class Invitation(models.Model):
    """The latest invitation of a member, and the message that carries it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="invitation",
        verbose_name=_("member"),
    )
    message = models.ForeignKey(
        OutgoingMessage, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    invited_at = models.DateTimeField(_("invited"), default=timezone.now, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("invited by"),
    )
    source = models.ForeignKey(
        "InvitationList",
        on_delete=models.SET_NULL,
        null=True,
        related_name="invitations",
        editable=False,
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("pending invitation")
        verbose_name_plural = _("pending invitations")
        default_permissions = ()  # whoever may add members may invite them

    def __str__(self):
        return str(self.user)


class InvitationListQuerySet(models.QuerySet):
    def usable(self):
        return self.filter(expires_at__gt=timezone.now())


class InvitationList(models.Model):
    """Lines that one of the staff has pasted or uploaded; nothing comes of them until confirmed.

    Its rows are JSON, as reading.py has read them: what becomes of each is decided anew whenever
    somebody looks, and recorded when the list is confirmed. Sentences in JSON are those of
    portal/sentences/stored.py.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitation_lists"
    )
    title = models.CharField(max_length=100)
    rows = models.JSONField(default=list)
    notes = models.JSONField(default=list)  # sentences about the file as a whole
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    confirmed_at = models.DateTimeField(null=True)
    outcome = models.JSONField(default=list)  # of each row: its fate, why, and the member

    objects = InvitationListQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation list")
        verbose_name_plural = _("invitation lists")
        default_permissions = ()

    def __str__(self):
        return self.shown_title

    def save(self, **kwargs):
        if not self.expires_at:
            self.expires_at = timezone.now() + LIST_KEPT
        super().save(**kwargs)

    @property
    def shown_title(self) -> str:
        """The name of the file, or words for lines that were pasted."""
        return gettext(PASTED) if self.title == PASTED else self.title

    @property
    def shown_notes(self) -> list[str]:
        """The sentences about the file, in the active language."""
        return [shown([note] if isinstance(note, list) else note) for note in self.notes]


def delete_expired_lists() -> str:
    """Delete lists that nobody has confirmed in time, and reports that have been kept enough."""
    count, _ = InvitationList.objects.filter(expires_at__lte=timezone.now()).delete()
    return f"{count} invitation lists removed"
