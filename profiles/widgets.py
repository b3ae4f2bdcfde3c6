from django import forms


class UploadInput(forms.ClearableFileInput):
    """A file input (being written)."""
