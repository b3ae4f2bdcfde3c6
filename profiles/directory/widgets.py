from django import forms
from django.forms.widgets import Script
from django.urls import reverse
from django.utils.translation import gettext


class Suggested:
    """A widget mixin: suggests tags while one types. Without JavaScript, it is a plain input."""

    class Media:
        js = [Script("suggestions.js", defer=True)]  # the admin has it in the head

    def __init__(self, kind: str, attrs=None):
        super().__init__({"autocomplete": "off", "dir": "auto", **(attrs or {})})  # type: ignore[call-arg] # of a widget
        self.kind = kind

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        attributes = context["widget"]["attrs"]
        attributes["data-suggestions"] = reverse("suggestions", args=[self.kind])
        attributes["data-suggestions-label"] = gettext("Suggestions")
        return context


class SuggestedInput(Suggested, forms.TextInput):
    """An input for one tag."""


class SuggestedList(Suggested, forms.Textarea):
    """An input for tags with commas between them, of which the last is completed."""
