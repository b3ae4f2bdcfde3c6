"""The admin: members with their profiles on one form, and the record of opened resumes."""

from allauth.account.admin import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.admin import UserSession
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.shortcuts import redirect
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.accounts.email_address import canonical_part
from portal.accounts.ended_sessions import end_sessions
from portal.files.fields import CleanedFileField
from portal.sentences.history import HistoryInWords

from .admin_cells import labelled
from .admin_deletion import LeavesOneSuperuser, without_search_rows
from .admin_filters import HasAvatarFilter, HasResumeFilter, LeavingFilter
from .admin_forms import InvitationForm, MemberForm, PermissionsField
from .admin_limits import are_too_many
from .admin_questions import NAMED, ask
from .batches.admin import FilesByTheHundred
from .desk.activity import DeactivatesMembers
from .desk.exports import MembersAsCsv
from .desk.openings import ResumeDownloadAdmin
from .details import SkillsField
from .directory.query import Query
from .directory.tags import SKILL
from .directory.widgets import SuggestedList
from .fields import composed
from .forms import DETAILS
from .invitations.inviting import was_sent
from .invitations.models import Invitation
from .models import Profile, ResumeDownload, User
from .privacy.admin import LeavingOfMember
from .second_factors_admin import SecondFactorAdmin, SecondFactorsOfMember
from .staff_messages import invite, without_just_sent
from .staff_rights import may_manage
from .uploads.forms import StoredUploadsForm
from .uploads_admin import StoresUploadsFirst, form_in
from .widgets import UploadInput

# Groups: permissions are given one by one, because societies are small. Addresses and sessions are
# kept by the site itself; second factors have an admin of their own (below).
admin.site.unregister([Group, EmailAddress, UserSession, Authenticator])

VISIBILITIES = {  # in a word, for the list
    Profile.Visibility.PUBLIC: pgettext_lazy("who sees a profile", "public"),
    Profile.Visibility.MEMBERS: pgettext_lazy("who sees a profile", "members"),
    Profile.Visibility.HIDDEN: pgettext_lazy("who sees a profile", "hidden"),
}

MAX_DELETED_AT_ONCE = 5_000  # members; the page that asks for confirmation has a field for each


class ProfileInline(admin.StackedInline):
    model = Profile
    can_delete = False
    fields = ["name", "headline", "bio", "visibility", "avatar", "resume"]
    fields += [*((field, f"{field}_visibility") for field in DETAILS), "use_for_tests"]
    fields += ["staff_note"]
    readonly_fields = ["use_for_tests"]  # only members themselves can agree to it
    radio_fields = {"visibility": admin.VERTICAL}
    formfield_overrides = {
        CleanedFileField: {"widget": UploadInput},
        SkillsField: {"widget": SuggestedList(SKILL, attrs={"rows": 2})},
    }
    form = StoredUploadsForm

    def get_formset(self, request, obj=None, **kwargs):
        return super().get_formset(request, obj, form=form_in(request, self.form), **kwargs)


@admin.register(User)
class MemberAdmin(
    FilesByTheHundred,
    StoresUploadsFirst,
    SecondFactorsOfMember,
    LeavingOfMember,
    DeactivatesMembers,
    LeavesOneSuperuser,
    MembersAsCsv,
    HistoryInWords,
    auth_admin.UserAdmin,
):
    """Invites members and keeps their accounts and profiles, on one form."""

    list_display = [
        "name",
        "place",
        "address",
        "thumbnail",
        "has_resume",
        "visibility",
        "active",
        "staff",
    ]
    list_filter = [
        "is_active",
        "is_staff",
        HasAvatarFilter,
        HasResumeFilter,
        "profile__visibility",
        LeavingFilter,
    ]
    list_select_related = ["profile"]
    list_per_page = 50
    search_fields = ["email", "profile__name", "profile__headline"]
    search_fields += ["profile__phone", "profile__contact_email"]
    ordering = ["profile__sort_key", "email"]
    form = MemberForm
    add_form = InvitationForm
    add_form_template = None  # Django's own speaks of a user name and a password
    add_fieldsets = [
        (
            None,
            {
                "fields": ["email", "name"],
                "description": _("The new member is sent a link with which to set a password."),
            },
        )
    ]
    fieldsets = [
        (None, {"fields": ["email", "is_active", "language", "second_factors"]}),
        (
            _("Dates"),
            {"classes": ["collapse"], "fields": ["date_joined", "last_login", "leaves_at"]},
        ),
    ]
    superusers_fieldsets = [
        (
            _("Rights and password, for superusers alone"),
            {
                "classes": ["collapse"],
                "fields": ["is_staff", "is_superuser", "user_permissions", "password"],
            },
        ),
    ]
    readonly_fields = ["second_factors", "date_joined", "last_login", "leaves_at"]
    filter_horizontal = ["user_permissions"]
    inlines = [ProfileInline]

    @admin.display(description=_("e-mail address"), ordering="email")
    def address(self, user):
        name, at, domain = user.shown_email.rpartition("@")
        return format_html("{}<wbr>{}{}", name, at, domain)  # where a line may end

    @admin.display(description=_("photo"))
    def thumbnail(self, user):
        if not user.profile.avatar:
            return None
        return format_html(
            '<img src="{}" alt="" width="40" height="40" loading="lazy">', user.profile.avatar.url
        )

    @admin.display(description=_("name"), ordering="profile__sort_key")
    def name(self, user):
        return user.profile.name or gettext("(no name yet)")

    @admin.display(description=_("resume"))
    def has_resume(self, user):
        return labelled(_("Resume"), bool(user.profile.resume))

    @admin.display(description=_("active"), ordering="is_active")
    def active(self, user):
        return labelled(_("Active"), user.is_active)

    @admin.display(description=_("staff"), ordering="is_staff")
    def staff(self, user):
        return labelled(_("Staff"), user.is_staff)

    @admin.display(description=_("place"), ordering="profile__place")
    def place(self, user):
        return user.profile.place

    @admin.display(description=_("visibility"), ordering="profile__visibility")
    def visibility(self, user):
        return VISIBILITIES[user.profile.visibility]

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and may_manage(request.user, obj)

    def has_delete_permission(self, request, obj=None):
        """Nobody deletes themselves here, so one superuser stays; all can leave, by “Your data”."""
        is_allowed = super().has_delete_permission(request, obj) and may_manage(request.user, obj)
        return is_allowed and obj != request.user

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "user_permissions":
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def changelist_view(self, request, extra_context=None):
        titles = {"title": gettext("Members")}  # Django's own leaves no room beside the links
        return super().changelist_view(request, titles | (extra_context or {}))

    def get_fieldsets(self, request, obj=None):
        """Show rights and the password to superusers alone; fields not shown are not saved."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj and request.user.is_superuser:
            return [*fieldsets, *self.superusers_fieldsets]
        return fieldsets

    def user_change_password(self, request, *args, **kwargs):
        if not request.user.is_superuser:  # others have the member sent a link
            raise PermissionDenied
        return super().user_change_password(request, *args, **kwargs)

    def get_deleted_objects(self, objs, request):
        # Rows that are deleted with their member need no permission of their own.
        objects, counts, lacking, protected = super().get_deleted_objects(objs, request)
        models = ResumeDownload, Authenticator, Invitation
        with_member = {model._meta.verbose_name for model in models}
        return *without_search_rows(objects, counts), lacking - with_member, protected

    def get_search_results(self, request, queryset, search_term):
        """Find names as the directory does, and addresses in the form in which they are stored."""
        named, may_repeat = super().get_search_results(request, queryset, composed(search_term))
        stored = " ".join(map(canonical_part, search_term.split()))
        addressed, _ = super().get_search_results(request, queryset, stored)
        found = named | addressed
        if query := Query.of(search_term):
            found |= queryset.filter(query.matches("profile__entry__members"))
        return found, may_repeat

    def get_inlines(self, request, obj):
        return self.inlines if obj else []  # saving the invitation creates the profile

    def save_formset(self, request, form, formset, change):
        super().save_formset(request, form, formset, change)
        for note in (note for each in formset.forms for note in each.notes()):
            messages.info(request, note)

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
            if "is_active" in form.changed_data:  # either way, so that none is revived
                end_sessions([obj.pk])
            if "email" in form.changed_data and was_sent(obj):  # its link has just become invalid
                invite(request, obj)
            return
        obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        obj.profile.name = form.cleaned_data["name"]
        obj.profile.save()
        invite(request, obj)

    def add_view(self, request, form_url="", extra_context=None):
        try:
            return super().add_view(request, form_url, extra_context)
        except IntegrityError:
            words = gettext("Somebody else has added this member at the same moment.")
            messages.error(request, words)
            return redirect("admin:profiles_user_changelist")

    @admin.action(description=_("Send the set-password link again"), permissions=["change"])
    def invite_again(self, request, queryset):
        if are_too_many(request, queryset):
            return None
        chosen = list(queryset)
        users = [each for each in chosen if each.is_active and may_manage(request.user, each)]
        if len(users) > NAMED and "confirmed" not in request.POST:
            words = gettext(
                "Send a message to %(count)d members? What is sent cannot be taken back."
            )
            question = words % {"count": len(users)}
            return ask(self, request, "invite_again", question, gettext("Send"), users)
        with transaction.atomic():
            invite(request, *(users if len(users) == 1 else without_just_sent(request, users)))
        if left_out := len(chosen) - len(users):
            words = gettext("Left out, as not active or not yours to change: %(count)d")
            messages.warning(request, words % {"count": left_out})

    @admin.action(description=_("Delete selected members"), permissions=["delete"])
    def delete_selected(self, request, queryset):
        if queryset.filter(pk=request.user.pk).exists():
            words = gettext("Nothing was deleted: your own account is among them.")
            messages.error(request, words)
            return None
        if queryset.count() <= MAX_DELETED_AT_ONCE:
            return delete_selected(self, request, queryset)
        words = gettext("Nothing was deleted: please delete at most %(most)s at once.")
        most = number_format(MAX_DELETED_AT_ONCE, force_grouping=True)
        messages.error(request, words % {"most": most})

    actions = ["invite_again", "deactivate", "reactivate", "delete_selected"]


admin.site.register(ResumeDownload, ResumeDownloadAdmin)
admin.site.register(Authenticator, SecondFactorAdmin)
