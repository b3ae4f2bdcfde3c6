"""Forms of which one that was opened earlier undoes nothing that was saved since."""

from django import forms


class LeavesAlone(forms.ModelForm):
    """A form that saves the fields that were changed in it, and leaves the others as they are.

    The page tells what each of them held when it was opened. Files, and choices of several, are
    not among them.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in self.told:
            is_told = not self.is_bound or self.add_initial_prefix(name) in self.data
            self.fields[name].show_hidden_initial = is_told

    @property
    def told(self) -> list[str]:
        if self.instance.pk is None:
            return []  # what is left as it is suggested is saved, too
        others = forms.FileField, forms.ModelMultipleChoiceField
        fields = self.fields.items()
        return [name for name, each in fields if not (each.disabled or isinstance(each, others))]

    def clean(self):
        cleaned = super().clean() or self.cleaned_data
        as_they_are = {name for name in self.told if name not in self.changed_data}
        return cleaned | {name: getattr(self.instance, name) for name in as_they_are}
