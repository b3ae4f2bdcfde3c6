"""The outbox in the admin: messages that were sent, wait, or could not be delivered."""

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .models import OutgoingMessage
from .queue import is_delivering
from .sender import announce

State = OutgoingMessage.State


class StateFilter(admin.SimpleListFilter):
    """Filters messages by state, with one more choice: not delivered, for whatever reason."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("troubled", _("not delivered")), *State.choices]

    def queryset(self, request, queryset):
        if self.value() == "troubled":
            return queryset.troubled()
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(admin.ModelAdmin):
    """Messages, read-only and without their text; those not delivered can be sent again."""

    list_display = (
        "to", "title", "state", "why", "attempts", "written_at", "due", "finished_at",
    )  # fmt: skip
    list_filter = [StateFilter]
    search_fields = ["to", "subject"]
    list_per_page = 100
    fields = readonly_fields = (*list_display, "message_id")
    actions = ["send_again"]

    @admin.display(description=_("subject"))
    def title(self, message):
        return message.title

    @admin.display(description=_("why"), ordering="last_error")
    def why(self, message):
        return message.why

    @admin.display(description=_("next attempt"), ordering="due_at")
    def due(self, message):
        return message.due_at if message.state == State.WAITING else None

    def lookup_allowed(self, lookup, value, request=None):
        """Refuse ?content__contains=A, which would reveal a text letter by letter."""
        is_shown = not lookup.startswith(("content", "context"))
        return is_shown and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_send_permission(self, request):
        return request.user.has_perm("outbox.change_outgoingmessage")

    def get_queryset(self, request):
        return super().get_queryset(request).defer("content", "context")

    @admin.action(description=_("Send again, at once"), permissions=["send"])
    def send_again(self, request, queryset):
        """Make messages due that wait or have failed; those being sent are left alone."""
        again = queryset.filter(state__in=[State.WAITING, State.FAILED])
        count = again.update(
            state=State.WAITING,
            due_at=timezone.now(),
            attempts=0,
            handed_over=0,
            expires_at=None,
            finished_at=None,
        )
        announce()
        if not is_delivering():
            words = gettext("E-mail is not configured (EMAIL_URL): messages wait.")
            messages.warning(request, words)
        elif count:
            words = gettext("%(count)d on the way again.")
            messages.success(request, words % {"count": count})
        else:
            words = gettext("None of these can be sent again: they were sent, or are being.")
            messages.info(request, words)
