from django import forms

from .models import Profile
from .uploads.forms import StoredUploadsForm
from .widgets import UploadInput

NEW_OR_NONE = {"contradiction": "Please either choose a new file or tick “Remove it”, not both."}


class ProfileForm(StoredUploadsForm):
    """The fields that members may change in their own profile."""

    class Meta:
        model = Profile
        fields = [
            "name",
            "headline",
            "bio",
            "visibility",
            "use_for_tests",
            "avatar",
            "resume",
            "resume_is_searched",
        ]
        widgets = {
            "bio": forms.Textarea(attrs={"rows": 5}),
            "visibility": forms.RadioSelect,
            "avatar": UploadInput,
            "resume": UploadInput,
        }
        error_messages = {"avatar": NEW_OR_NONE, "resume": NEW_OR_NONE}

    def clean_name(self):
        name = self.cleaned_data["name"]
        if self.instance.name and not name:
            raise forms.ValidationError("Please keep a name: others find you by it.")
        return name
