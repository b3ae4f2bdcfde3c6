"""Deactivating members and reactivating them, many at once.

Nobody is sent a message about it: a member is deactivated for having left for a while, or because
their address does not work, and whoever tries to log in reads why they cannot.
"""

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.ended_sessions import end_sessions
from profiles.admin_limits import are_too_many
from profiles.admin_questions import NAMED, ask
from profiles.models import User
from profiles.staff_rights import may_manage

# For the history of each member.
REACTIVATED, DEACTIVATED = gettext_noop("Reactivated."), gettext_noop("Deactivated.")

QUESTIONS = {
    "deactivate": _("Deactivate %(count)d members? They are logged out, and nobody sees them."),
    "reactivate": _("Reactivate %(count)d members? All of them can log in again."),
}


class DeactivatesMembers(admin.ModelAdmin):
    """Mixin for the members' admin: the two actions."""

    @admin.action(
        description=_("Deactivate: no log-in, and nobody sees them"), permissions=["change"]
    )
    def deactivate(self, request, queryset):
        return self.switch(request, queryset, is_active=False)

    @admin.action(description=_("Reactivate"), permissions=["change"])
    def reactivate(self, request, queryset):
        return self.switch(request, queryset, is_active=True)

    def switch(self, request, queryset, *, is_active: bool):
        """Switch members on or off, and tell the staff how many, and who was left out.

        It asks before many: the other action is no undo, as it does not know who was what before.
        """
        if are_too_many(request, queryset):
            return None
        chosen = queryset.count()
        if chosen > NAMED and "confirmed" not in request.POST:
            action = "reactivate" if is_active else "deactivate"
            question = QUESTIONS[action] % {"count": chosen}
            button = gettext("Reactivate") if is_active else gettext("Deactivate")
            return ask(self, request, action, question, button, queryset)
        count, left_out = switched(queryset, request.user, is_active=is_active)
        done = (
            ngettext("%(count)d member reactivated.", "%(count)d members reactivated.", count)
            if is_active
            else ngettext("%(count)d member deactivated.", "%(count)d members deactivated.", count)
        )
        messages.success(request, done % {"count": count})
        if left_out:
            words = gettext("Left out, as your own account or one of the staff: %(count)d")
            messages.warning(request, words % {"count": left_out})


def switched(members: QuerySet, by: User, *, is_active: bool) -> tuple[int, int]:
    """Switch members on or off; return how many, and how many are not this user's to switch.

    Their sessions end either way, so that reactivating them does not revive one on a computer that
    they have given away. Nobody deactivates themselves, so one superuser stays.
    """
    with transaction.atomic():
        chosen = set(members.order_by().values_list("pk", flat=True))
        # With all superusers, so that of two who deactivate each other at once one stays.
        locked = User.objects.select_for_update().filter(Q(pk__in=chosen) | Q(is_superuser=True))
        rows = {user.pk: user for user in locked.order_by("pk")}
        others = [rows[pk] for pk in chosen & rows.keys() if rows[pk].is_active != is_active]
        ours = [user for user in others if user.pk != by.pk and may_manage(by, user)]
        if by.pk in rows and not rows[by.pk].is_active:
            ours = []  # somebody else was faster
        pks = [user.pk for user in ours]
        User.objects.filter(pk__in=pks).update(is_active=is_active)
        end_sessions(pks)
        words = REACTIVATED if is_active else DEACTIVATED
        LogEntry.objects.log_actions(by.pk, ours, CHANGE, words)
        return len(ours), len(others) - len(ours)
