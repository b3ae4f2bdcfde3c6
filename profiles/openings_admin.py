"""The admin's pages about opened resumes."""

from django.contrib import admin


class ResumeDownloadAdmin(admin.ModelAdmin):
    """The record of opened resumes, which is read-only."""

    list_display = fields = readonly_fields = ("opened_at", "profile", "member")
    list_select_related = ["profile__user", "member"]
    search_fields = ["profile__name", "member__email", "member__profile__name"]
    date_hierarchy = "opened_at"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
