"""Forms of the members' admin: an invitation, a member's account, and the choice of rights."""

from django import forms
from django.contrib.auth import forms as auth_forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from .left_alone import LeavesAlone
from .models import Profile, User
from .privacy.leaving import is_last_superuser, lock_superusers

# The names of permissions are stored in English, when their models are migrated.
PERMISSIONS = {
    "add": _("Can add %(model)s"),
    "change": _("Can change %(model)s"),
    "delete": _("Can delete %(model)s"),
    "view": _("Can view %(model)s"),
}
UNMARKED = {gettext_noop("user session")}  # names of allauth's models that it does not translate


class PermissionsField(forms.ModelMultipleChoiceField):
    """A choice of permissions, named in the language of whoever gives them."""

    def label_from_instance(self, permission):
        """Return a name such as "Profiles | member | Can add member"."""
        about, action = permission.content_type, permission.codename.partition("_")[0]
        *app, model = str(about).split(" | ")  # without an app, for a model that is there no more
        model = gettext(model) if model in UNMARKED else model
        is_usual = action in PERMISSIONS and permission.codename == f"{action}_{about.model}"
        name = PERMISSIONS[action] % {"model": model} if is_usual else permission.name
        return " | ".join([*app, model, name])


class AddressForm(forms.ModelForm):
    """Form with a member's address; the error for a taken one names the member who has it."""

    def clean_email(self):
        email = self.cleaned_data["email"]
        holder = User.objects.filter(email=email).exclude(pk=self.instance.pk).first()
        if holder:
            taken = (
                _("This is the address of a member already: %(name)s.")
                if holder.is_active
                else _(
                    "This is the address of a member already: %(name)s, "
                    "whose account is not active."
                )
            )
            raise ValidationError(taken, code="unique", params={"name": holder.profile})
        return email


class InvitationForm(AddressForm):
    """The address and name of a new member; the rest of the profile is on the next page."""

    name = Profile._meta.get_field("name").formfield(required=True)

    class Meta:
        model = User
        fields = ["email"]

    def clean_name(self):
        """Apply the rules of the model field, which a separate form field does not have."""
        return Profile._meta.get_field("name").clean(self.cleaned_data["name"], None)


class MemberForm(LeavesAlone, AddressForm, auth_forms.UserChangeForm):
    """The account's fields that staff may change; MemberAdmin.get_fieldsets chooses among them."""

    def clean_email(self):
        """Keep an address that the member has confirmed since the form was opened."""
        return super().clean_email() if "email" in self.changed_data else self.instance.email

    def clean_is_active(self):
        return self.kept_by_the_last_superuser("is_active")

    def clean_is_staff(self):
        return self.kept_by_the_last_superuser("is_staff")

    def clean_is_superuser(self):
        return self.kept_by_the_last_superuser("is_superuser")

    def kept_by_the_last_superuser(self, name):
        """Refuse to take it from the last one. The admin validates and saves in one transaction."""
        if self.instance.is_superuser and not self.cleaned_data[name]:
            lock_superusers()
            if is_last_superuser(self.instance):
                words = _("This is the only superuser: nobody could manage the site.")
                raise ValidationError(words)
        return self.cleaned_data[name]
