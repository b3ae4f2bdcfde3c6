"""The staff's view: members with their profiles on one form, and who opened which resume."""

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator, AuthenticatorAdmin
from allauth.usersessions.admin import UserSession
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.html import format_html

from portal.accounts import send_invitation
from portal.files.fields import CleanedFileField

from .models import Profile, ResumeDownload, User
from .uploads.forms import StoredUploadsForm
from .widgets import UploadInput

# Groups: permissions are given one by one, as societies are small. Addresses and sessions follow
# the member; second factors are registered again below.
admin.site.unregister([Group, EmailAddress, UserSession, Authenticator])


class HasFileFilter(admin.SimpleListFilter):
    """Members with, or without, one of the profile's files; a subclass names the field."""

    field = ""

    def lookups(self, request, model_admin):
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request, queryset):
        missing = {f"profile__{self.field}": ""}
        if self.value() == "yes":
            return queryset.exclude(**missing)
        if self.value() == "no":
            return queryset.filter(**missing)
        return queryset


class HasAvatarFilter(HasFileFilter):
    title = "has an avatar"
    parameter_name = "avatar"
    field = "avatar"


class HasResumeFilter(HasFileFilter):
    title = "has a resume"
    parameter_name = "resume"
    field = "resume"


class InvitationForm(forms.ModelForm):
    """Enough to invite somebody; the rest of the profile follows on the next page, or from her."""

    name = Profile._meta.get_field("name").formfield(required=True)

    class Meta:
        model = User
        fields = ["email"]


class ProfileInline(admin.StackedInline):
    model = Profile
    can_delete = False
    min_num = max_num = 1
    fields = ["name", "headline", "bio", "visibility", "avatar", "resume"]
    radio_fields = {"visibility": admin.VERTICAL}
    formfield_overrides = {CleanedFileField: {"widget": UploadInput}}
    form = StoredUploadsForm

    def get_formset(self, request, obj=None, **kwargs):
        form = type("ProfileForm", (self.form,), {"uploader": request.user})
        return super().get_formset(request, obj, form=form, **kwargs)


@admin.register(User)
class MemberAdmin(auth_admin.UserAdmin):
    """Invites members and keeps their accounts and profiles, on one form."""

    list_display = [
        "email",
        "thumbnail",
        "name",
        "has_resume",
        "visibility",
        "is_active",
        "is_staff",
    ]
    list_filter = ["is_active", "is_staff", HasAvatarFilter, HasResumeFilter, "profile__visibility"]
    list_select_related = ["profile"]
    list_per_page = 50
    search_fields = ["email", "profile__name", "profile__headline"]
    ordering = ["profile__name", "email"]
    add_form = InvitationForm
    add_fieldsets = [
        (
            None,
            {
                "fields": ["email", "name"],
                "description": "The new member is sent a link with which to set a password.",
            },
        )
    ]
    fieldsets = [
        (None, {"fields": ["email", "is_active"]}),
        (
            "Staff",
            {
                "classes": ["collapse"],
                "fields": ["is_staff", "is_superuser", "user_permissions", "password"],
            },
        ),
        ("Dates", {"classes": ["collapse"], "fields": ["date_joined", "last_login"]}),
    ]
    readonly_fields = ["date_joined", "last_login"]
    filter_horizontal = ["user_permissions"]
    inlines = [ProfileInline]

    @admin.display(description="photo")
    def thumbnail(self, user):
        if not user.profile.avatar:
            return "-"
        return format_html(
            '<img src="{}" alt="" width="40" height="40" loading="lazy">', user.profile.avatar.url
        )

    @admin.display(description="name", ordering="profile__name")
    def name(self, user):
        return user.profile.name

    @admin.display(description="resume", boolean=True)
    def has_resume(self, user):
        return bool(user.profile.resume)

    @admin.display(description="visibility", ordering="profile__visibility")
    def visibility(self, user):
        return user.profile.visibility

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and may_manage(request.user, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and may_manage(request.user, obj)

    def get_readonly_fields(self, request, obj=None):
        if request.user.is_superuser:
            return self.readonly_fields
        return [*self.readonly_fields, "is_staff", "is_superuser", "user_permissions"]

    def get_deleted_objects(self, objs, request):
        # The record of opened resumes is not for deleting, except with the member it is about.
        objects, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return objects, counts, lacking - {ResumeDownload._meta.verbose_name}, protected

    def get_inlines(self, request, obj):
        return self.inlines if obj else []  # an invitation comes first; its save makes the profile

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
            if "email" in form.changed_data:
                # Or the former address would still log in, and be sent set-password links.
                EmailAddress.objects.filter(user=obj).delete()
            return
        obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        obj.profile.name = form.cleaned_data["name"]
        obj.profile.save()
        transaction.on_commit(lambda: self.invite(request, obj))

    def invite(self, request, user):
        if not settings.EMAIL_CONFIGURED and settings.SITE_ENVIRONMENT != "development":
            messages.error(
                request, "E-mail is not configured (EMAIL_URL), so no invitation was sent."
            )
            return
        try:
            send_invitation(user)
        except OSError as error:
            messages.error(request, f"The invitation could not be sent: {error}")
        else:
            messages.success(request, f"An invitation is on its way to {user.email}.")

    @admin.action(description="Send the set-password link again", permissions=["change"])
    def invite_again(self, request, queryset):
        for user in queryset.filter(is_active=True):
            self.invite(request, user)

    actions = ["invite_again"]


def may_manage(staff, member):
    """Only superusers manage superusers; whoever else could would soon be one."""
    return member is None or staff.is_superuser or not member.is_superuser


@admin.register(ResumeDownload)
class ResumeDownloadAdmin(admin.ModelAdmin):
    """The record of opened resumes: there to be read, not to be written."""

    list_display = ["opened_at", "profile", "member"]
    list_select_related = ["profile__user", "member"]
    search_fields = ["profile__name", "member__email", "member__profile__name"]
    date_hierarchy = "opened_at"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Authenticator)
class SecondFactorAdmin(AuthenticatorAdmin):
    """Second factors: deleted here for a member who has lost hers; their secrets are not shown."""

    fields = readonly_fields = ["user", "type", "created_at", "last_used_at"]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        owner = obj and obj.user
        return super().has_delete_permission(request, obj) and may_manage(request.user, owner)
