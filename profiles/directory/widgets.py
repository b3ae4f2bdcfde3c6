from django import forms
from django.forms.widgets import Script
from django.urls import reverse


class SuggestedInput(forms.TextInput):
    """A text input that suggests tags while one types; without JavaScript, a plain one.

    If `is_list`, the text is a list with commas, and what is suggested is its last part.
    """

    class Media:
        js = [Script("suggestions.js", defer=True)]  # the admin has it in the head

    def __init__(self, kind: str, *, is_list=False, attrs=None):
        super().__init__({"autocomplete": "off", "dir": "auto", **(attrs or {})})
        self.kind, self.is_list = kind, is_list

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        suggesting = {"data-suggestions": reverse("suggestions", args=[self.kind])}
        if self.is_list:
            suggesting["data-list"] = True
        context["widget"]["attrs"] |= suggesting
        return context
