from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from . import access
from .directory.tags import PLACE, SKILL
from .directory.widgets import SuggestedInput, SuggestedList
from .models import Profile, User
from .uploads.forms import StoredUploadsForm
from .widgets import UploadInput

NEW_OR_NONE = {"contradiction": _("Please either choose a new file or tick “Remove it”, not both.")}
# Those of which their owner chooses who sees them.
DETAILS = [field for field in access.DETAILS if field not in access.FIXED_AUDIENCES]


def with_audiences() -> list[str]:
    """Return the names of the details, and of the fields that say who sees each."""
    return [name for field in DETAILS for name in (field, f"{field}_visibility")]


class ProfileForm(StoredUploadsForm):
    """The fields that members may change in their own profile."""

    language = User._meta.get_field("language").formfield(
        help_text=_("Of the pages that you see, and of the e-mails that you get from this site."),
    )

    class Meta:
        model = Profile
        fields = ["name", "headline", "bio", "visibility", "avatar", "resume", "resume_is_searched"]
        fields += [*with_audiences(), "use_for_tests", "tells_openings"]
        widgets = {
            "name": forms.TextInput(attrs={"dir": "auto"}),
            "headline": forms.TextInput(attrs={"dir": "auto"}),
            "bio": forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
            "place": SuggestedInput(PLACE),
            "skills": SuggestedList(SKILL, attrs={"rows": 2}),
            "links": forms.Textarea(attrs={"rows": 3, "dir": "ltr", "inputmode": "url"}),
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
            "visibility": forms.RadioSelect,
            "avatar": UploadInput,
            "resume": UploadInput,
        }
        error_messages = {"avatar": NEW_OR_NONE, "resume": NEW_OR_NONE}

    def __init__(self, *args, instance, **kwargs):
        super().__init__(*args, instance=instance, **kwargs)
        self.initial.setdefault("language", instance.user.language)

    def details(self):
        """Return each detail with the field that says who sees it."""
        return [(self[field], self[f"{field}_visibility"]) for field in DETAILS]

    def full_clean(self):
        """Have the browser go to the first field that is wrong."""
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong:
            self.fields[wrong].widget.attrs["autofocus"] = True

    def save(self, commit=True):
        """Save the profile, and the choice of a language, which is one of the account."""
        with transaction.atomic():
            profile = super().save(commit)
            if commit and "language" in self.changed_data and not self.is_left_out("language"):
                profile.user.language = self.cleaned_data["language"]
                profile.user.save(update_fields=["language"])
        return profile

    def clean_name(self):
        name = self.cleaned_data["name"]
        if self.instance.name and not name:
            raise forms.ValidationError(_("Please keep a name: others find you by it."))
        return name
