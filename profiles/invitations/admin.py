"""The pending invitations: who was invited and has not come, sent again or withdrawn."""

from django.contrib import admin, messages
from django.db.models import Count
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.site_address import site_url
from profiles.admin_cells import labelled
from profiles.admin_limits import are_too_many
from profiles.staff_messages import tell_how_many

from . import views
from .inviting import invite_again, withdraw
from .models import Invitation, State

SHOWN = 10  # names, on the page that asks


class StateFilter(admin.SimpleListFilter):
    """Filters invitations by how far they have come, with the number of each."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        found = model_admin.get_queryset(request).order_by()
        counts = dict(found.values_list("state").annotate(Count("pk")))
        return [(state, f"{state.label} ({counts.get(state, 0)})") for state in State]

    def queryset(self, request, queryset):
        return queryset.filter(state=self.value()) if self.value() in State else queryset


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Invitations of members who have not come yet. They are changed by actions alone."""

    list_display = ["name", "address", "state", "sent", "why", "inviter"]
    list_display_links = None
    list_filter = [StateFilter]
    list_select_related = ["user__profile", "message", "invited_by"]
    list_per_page = 100
    search_fields = ["user__email", "user__profile__name"]
    ordering = ["-invited_at", "-pk"]
    actions = ["invite_again", "withdraw"]
    change_list_template = "invitations/pending.html"

    @admin.display(description=_("name"), ordering="user__profile__sort_key")
    def name(self, invitation):
        name = invitation.user.profile.name or gettext("(no name yet)")
        address = reverse("admin:profiles_user_change", args=[invitation.user_id])
        return format_html('<a href="{}">{}</a>', address, name)

    @admin.display(description=_("e-mail address"), ordering="user__email")
    def address(self, invitation):
        return invitation.user.shown_email

    @admin.display(description=_("state"), ordering="state")
    def state(self, invitation):
        return State(invitation.state).label

    @admin.display(description=_("since"), ordering="sent_at")
    def sent(self, invitation):
        return invitation.sent_at

    @admin.display(description=_("why"), empty_value="")
    def why(self, invitation):
        return invitation.message.why if invitation.message else ""

    @admin.display(description=_("invited by"), ordering="invited_by")
    def inviter(self, invitation):
        return labelled(_("Invited by"), invitation.invited_by or "-")

    def get_queryset(self, request):
        return super().get_queryset(request).pending().with_state()

    def changelist_view(self, request, extra_context=None):
        titles = {"title": gettext("Pending invitations")}
        return super().changelist_view(request, titles | (extra_context or {}))

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(views.new_list), name="invitations_new"),
            path("lists/<int:pk>/", wrap(views.one_list), name="invitations_list"),
            *super().get_urls(),
        ]

    def has_module_permission(self, request):
        return views.may_invite(request.user)

    def has_view_permission(self, request, obj=None):
        return views.may_invite(request.user)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_withdraw_permission(self, request):
        return request.user.has_perm("profiles.delete_user")

    @admin.action(description=_("Send a new link"), permissions=["view"])
    def invite_again(self, request, queryset):
        if are_too_many(request, queryset):
            return
        ours = self.manageable(request, queryset)
        count, left_out = invite_again(ours, site_url(request), by=request.user)
        if left_out:
            words = gettext("Left out, as invited within the last minute: %(count)d.")
            messages.info(request, words % {"count": left_out})
        tell_how_many(request, count)

    @admin.action(description=_("Withdraw"), permissions=["withdraw"])
    def withdraw(self, request, queryset):
        if are_too_many(request, queryset):
            return
        ours = self.manageable(request, queryset)
        if "confirmed" not in request.POST:
            return views.render(
                request,
                "invitations/withdraw.html",
                {
                    "title": gettext("Withdraw invitations"),
                    "count": ours.count(),
                    "first": ours[:SHOWN],
                    "chosen": [each.pk for each in ours],  # "all" may be others by the answer
                },
            )
        count, left = withdraw(ours)
        words = gettext("Withdrawn: %(count)d. Their links do not work any more.")
        messages.success(request, words % {"count": count})
        if left:
            words = gettext("Kept, because their profile has more than a name: %(count)d.")
            messages.warning(request, words % {"count": left})

    def manageable(self, request, queryset):
        """Only superusers change accounts of the staff."""
        if request.user.is_superuser:
            return queryset
        return queryset.filter(user__is_staff=False, user__is_superuser=False)
