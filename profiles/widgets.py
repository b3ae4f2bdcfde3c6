from django import forms
from django.conf import settings
from django.db.models.fields.files import FieldFile
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import Script

from portal.files.fields import too_large

from .uploads.avatars import AvatarField
from .uploads.resumes import ResumeField


class UploadInput(forms.ClearableFileInput):
    """A file input that shows the present file: the photo itself, or a link to the resume's view.

    Django's own would link to the file's URL, which for a resume is a signed link.
    """

    template_name = "profiles/widgets/upload.html"
    stored = None  # the StoredUpload that the form holds for this field, if it holds one

    class Media:
        js = [Script("uploads.js", defer=True)]  # the admin has it in the head

    def is_initial(self, value):
        # The inherited test reads value.url, which would sign a link.
        return isinstance(value, FieldFile) and bool(value)

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        purpose = name.rpartition("-")[2]  # without the prefix of a formset
        most = settings.AVATAR_MAX_BYTES if purpose == "avatar" else settings.RESUME_MAX_BYTES
        [too_large_words] = too_large(most).messages
        context["widget"] |= {"stored": self.stored, "purpose": purpose}
        context["widget"] |= {"most_bytes": most, "too_large": too_large_words}
        if self.is_initial(value):
            if isinstance(value.field, AvatarField):
                context["photo_url"] = value.url
            elif isinstance(value.field, ResumeField):
                context |= {"view_url": value.url, "profile": value.instance}
        return context

    def render(self, name, value, attrs=None, renderer=None):
        # Django's default renderer of forms does not read templates/; this one does.
        return super().render(name, value, attrs, TemplatesSetting())
