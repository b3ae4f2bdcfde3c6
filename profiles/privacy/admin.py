"""Data and leaving in the members' admin, for somebody who asks by letter."""

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.http import FileResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods

from portal.accounts.site_address import site_url
from profiles.models import User

from .archive import archive_name, archive_of
from .leaving import LastSuperuser, leave, stay

# For the history of the member.
DOWNLOADED = gettext_noop("Downloaded the member's data.")
STARTED = gettext_noop("Started the member's leaving.")
UNDONE = gettext_noop("Undid the member's leaving.")


class LeavingOfMember:
    """Mixin for the members' admin: their data as an archive, leaving for them, and undoing it."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.leaving_view)
        return [
            path("<path:object_id>/leaving/", view, name="profiles_user_leaving"),
            *super().get_urls(),
        ]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def leaving_view(self, request, object_id):
        """Show what can be done, and do what the staff have chosen."""
        member = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, member):
            raise PermissionDenied
        if member is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            return self.do_for(request, member)
        context = self.admin_site.each_context(request) | {
            "title": _("Data and leaving"),
            "subtitle": str(member),
            "opts": self.opts,
            "original": member,
            "is_too_late": member.leaves_at is not None and member.leaves_at <= timezone.now(),
        }
        return TemplateResponse(request, "admin/profiles/user/leaving.html", context)

    def do_for(self, request, member):
        """Do for a member what the button that was pressed says, and record it."""
        if "download" in request.POST:
            self.log_change(request, member, DOWNLOADED)
            archive = archive_of(member)
            return FileResponse(archive, as_attachment=True, filename=archive_name(member))
        if "leave" in request.POST:
            try:
                with transaction.atomic():
                    leave(member, site_url(request))
                    self.log_change(request, member, STARTED)
            except LastSuperuser:
                words = _("This is the only superuser: nobody could manage the site.")
                messages.error(request, words)
            else:
                words = _("The member is leaving, and has been sent a message.")
                messages.success(request, words)
        if "stay" in request.POST:
            with transaction.atomic():
                is_undone = stay(member)
                if is_undone:
                    self.log_change(request, member, UNDONE)
            if is_undone:
                messages.success(request, _("The member stays. All is as it was."))
            else:
                words = _("It is too late: the member is deleted in this night.")
                messages.error(request, words)
        return redirect("admin:profiles_user_change", member.pk)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Tell the staff of a member who was deleted while the form was open."""
        try:
            return super().change_view(request, object_id, form_url, extra_context)
        except (DatabaseError, self.model.profile.RelatedObjectDoesNotExist):
            if User.objects.filter(pk=unquote(object_id)).exists():
                raise
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
