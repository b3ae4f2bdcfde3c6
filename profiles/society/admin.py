"""The society in the admin: one form, with a preview."""

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminFileWidget
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import Textarea
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from profiles.home import newest_for
from profiles.left_alone import LeavesAlone

from .current import JUST_SAVED, READ_AGAIN_SECONDS, current
from .logo import LogoField
from .models import Society


class LogoInput(AdminFileWidget):
    """Django's, whose label is that of the file: from 6.1 on it would name the group alone."""

    use_fieldset = False


@admin.register(Society)
class SocietyAdmin(admin.ModelAdmin):
    """The one society: its list leads to the form at once, and the form has a preview."""

    fieldsets = [
        (None, {"fields": ["name", "tagline", "welcome", "contact", "contact_email"]}),
        (_("Looks"), {"fields": ["present_logo", "logo", "accent"]}),
        (_("Pages of their own"), {"fields": ["privacy_notice", "imprint"]}),
    ]
    readonly_fields = ["present_logo"]
    form = LeavesAlone
    formfield_overrides = {
        models.TextField: {"widget": Textarea({"rows": 10, "cols": 80})},
        LogoField: {"widget": LogoInput},
    }
    change_form_template = "admin/society/change_form.html"

    @admin.display(description=_("present logo"))
    def present_logo(self, society):
        logo = current(fresh=True).logo  # the form's own may be one that was refused
        if not logo:
            return pgettext("no logo", "none")
        return format_html('<img class="present-logo" src="{}" alt="">', logo.url)

    def has_add_permission(self, request):
        # Asked on each page of the admin, so it must not be a query.
        return super().has_add_permission(request) and current().pk is None

    def has_delete_permission(self, request, obj=None):
        return False

    def changelist_view(self, request, extra_context=None):
        if society := Society.objects.first():
            return redirect("admin:society_society_change", society.pk)
        return redirect("admin:society_society_add")

    def get_changeform_initial_data(self, request):
        return {"name": Society.unnamed().name}

    def response_add(self, request, obj, post_url_continue=None):
        """Lead on to the next step of a new site."""
        words = gettext("This is the portal of %(name)s now.")
        messages.success(request, words % {"name": obj.name})
        return shown_at_once(redirect("home"))

    def response_change(self, request, obj):
        return shown_at_once(super().response_change(request, obj))

    def get_urls(self):
        view = self.admin_site.admin_view(self.preview)
        return [path("preview/", view, name="society_society_preview"), *super().get_urls()]

    @method_decorator(require_POST)
    def preview(self, request):
        """Show what visitors would see, of a form that is not saved."""
        saved = Society.objects.first()
        may_save = self.has_change_permission if saved else self.has_add_permission
        if not may_save(request):
            raise PermissionDenied
        society = saved or Society()
        form = self.get_form(request, society, change=bool(saved))(request.POST, instance=society)
        if not form.is_valid():
            context = self.admin_site.each_context(request) | {
                "title": gettext("Preview"),
                "form": form,
            }
            return render(request, "admin/society/preview_refused.html", context, status=422)
        visitor = AnonymousUser()
        context = {
            "society": society,
            "site_name": society.name,
            "user": visitor,
            "newest": newest_for(visitor),
        }
        return render(request, "society/preview.html", context)


def shown_at_once(response):
    """Have the society read afresh for whoever has just changed it."""
    response.set_cookie(
        JUST_SAVED,
        "1",
        max_age=READ_AGAIN_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
