from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .site_name import site_name


class PortalAdminSite(admin.AdminSite):
    """Django's admin, entered by the site's own log-in and, when deployed, a second factor."""

    index_title = _("Administration")
    enable_nav_sidebar = False  # for three lists, it takes the width that the members' list needs

    @property
    def site_header(self):
        return site_name()

    site_title = site_header

    def get_app_list(self, request, app_label=None):
        """Begin with the app that has the members: the others are looked for less often."""
        members = get_user_model()._meta.app_label
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: app["app_label"] != members)

    def has_permission(self, request):
        return super().has_permission(request) and (
            not settings.ADMIN_NEEDS_SECOND_FACTOR or is_mfa_enabled(request.user)
        )

    def login(self, request, extra_context=None):
        """Redirect to the log-in, or to the set-up of a second factor, whichever is missing.

        To have a factor is enough here: allauth asks for it at log-in, and sessions from before it
        was added are ended.
        """
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or request.path)
        if not super().has_permission(request):
            raise PermissionDenied
        if self.has_permission(request):
            return redirect("admin:index")
        words = gettext("The admin asks for a second factor. Please set one up first.")
        messages.warning(request, words)
        return redirect("mfa_index")
