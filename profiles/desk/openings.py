"""The record of opened resumes in the admin: by period, and as CSV."""

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from profiles.admin_cells import labelled

from .exports import ListAsCsv, moment
from .periods import PeriodFilter


class ResumeDownloadAdmin(ListAsCsv):
    """The record of opened resumes, which is read-only."""

    list_display = ("opened_at", "owner", "reader")
    fields = readonly_fields = ("opened_at", "profile", "member")
    list_select_related = ["profile__user", "member"]
    list_filter = [PeriodFilter]
    search_fields = ["profile__name", "member__email", "member__profile__name"]
    date_hierarchy = "opened_at"
    change_list_template = "desk/list.html"
    csv_name = "opened-resumes"
    csv_related = ("profile__user", "member__profile")
    csv_columns = (
        ("opened", lambda opening: moment(opening.opened_at)),
        ("resume of", lambda opening: opening.profile.name),
        ("address of the owner", lambda opening: opening.profile.user.shown_email),
        ("opened by", lambda opening: opening.member.profile.name if opening.member else ""),
        (
            "address of the reader",
            lambda opening: opening.member.shown_email if opening.member else "a former member",
        ),
    )

    @admin.display(description=gettext_lazy("profile"), ordering="profile")
    def owner(self, opening):
        return labelled(_("Resume of"), opening.profile)

    @admin.display(description=gettext_lazy("member"), ordering="member")
    def reader(self, opening):
        return labelled(_("Opened by"), opening.member or "-")

    def changelist_view(self, request, extra_context=None):
        titles = {"title": _("Opened resumes")}
        return super().changelist_view(request, titles | (extra_context or {}))

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
