"""Second factors in the admin: their secrets are never shown, and lost ones can be removed."""

from allauth.mfa.admin import Authenticator, AuthenticatorAdmin
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portal.accounts.second_factors import remove_second_factors, tell_of_removal
from portal.sentences.stored import sentence, stored

from .staff_rights import may_manage

FACTORS = {"totp": _("authenticator app"), "recovery_codes": _("recovery codes")}
REMOVED = {  # for the history of the member
    "totp": gettext_noop("Removed the second factor: authenticator app."),
    "recovery_codes": gettext_noop("Removed the second factor: recovery codes."),
}
REMOVED_KEY = gettext_noop("Removed the second factor: key “%(name)s”.")


# allauth shows this table to nobody, and so has no words for it that could be translated.
Authenticator._meta.verbose_name = _("second factor")
Authenticator._meta.verbose_name_plural = _("second factors")
for field, words in {
    "user": _("member"),
    "type": _("kind"),
    "created_at": _("added"),
    "last_used_at": _("last used"),
}.items():
    Authenticator._meta.get_field(field).verbose_name = words


def in_words(factor: Authenticator) -> str:
    """Return what kind of second factor it is."""
    return str(FACTORS.get(factor.type) or gettext("key “%(name)s”") % {"name": factor})


def removed(factor: Authenticator):
    """Return the sentence about a removal, for the history."""
    if factor.type in REMOVED:
        return sentence(REMOVED[factor.type])
    return sentence(REMOVED_KEY, name=factor)


class SecondFactorsOfMember:
    """Mixin for the members' admin: the kinds of a member's second factors, and their removal."""

    @admin.display(description=_("second factors"))
    def second_factors(self, user):
        factors = user.authenticator_set.order_by("created_at")
        return ", ".join(map(in_words, factors)) or gettext("none")

    def get_urls(self):
        view = self.admin_site.admin_view(self.second_factors_view)
        name = "profiles_user_second_factors"
        return [path("<path:object_id>/second-factors/", view, name=name), *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def second_factors_view(self, request, object_id):
        """Remove all second factors of a member who has lost them, once the staff confirm it."""
        member = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, member):
            raise PermissionDenied
        if member is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            with transaction.atomic():
                lost = list(member.authenticator_set.order_by("created_at"))
                remove_second_factors(request, lost)
                self.log_change(request, member, stored(*map(removed, lost)))
                tell_of_removal(member)
            done = gettext("The second factors are removed. A password is enough again.")
            messages.success(request, done)
            return redirect("admin:profiles_user_change", member.pk)
        context = self.admin_site.each_context(request) | {
            "title": gettext("Remove second factors"),
            "subtitle": str(member),
            "opts": self.opts,
            "original": member,
            "factors": self.second_factors(member),
        }
        return TemplateResponse(request, "admin/profiles/user/second_factors.html", context)


class SecondFactorAdmin(AuthenticatorAdmin):
    """Single second factors, to be removed for a member who has lost one of several.

    Their secrets can be neither seen nor searched.
    """

    fields = readonly_fields = ["user", "type", "created_at", "last_used_at"]

    def lookup_allowed(self, lookup, value, request=None):
        """Refuse ?data__secret__startswith=A, which would reveal a secret letter by letter."""
        return not lookup.startswith("data") and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        owner = obj and obj.user
        return super().has_delete_permission(request, obj) and may_manage(request.user, owner)

    def delete_model(self, request, obj):
        self.delete_queryset(request, Authenticator.objects.filter(pk=obj.pk))

    def delete_queryset(self, request, queryset):
        factors = list(queryset.select_related("user"))
        with transaction.atomic():
            remove_second_factors(request, factors)
            for user in {factor.user for factor in factors}:
                tell_of_removal(user)
