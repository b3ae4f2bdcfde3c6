from django import forms
from django.core.exceptions import ValidationError

from profiles.uploads.forms import BUSY
from profiles.uploads.turns import Busy

from .models import InvitationList
from .reading import MAX_ROWS, read_file, read_text

PASTED = "Pasted lines"
MAX_PASTED = 1_000_000  # characters
MAX_TITLE = 100


class InvitationListForm(forms.Form):
    """Lines or a file, of which saving makes a list to look at; nobody is invited by it."""

    lines = forms.CharField(
        required=False,
        max_length=MAX_PASTED,
        label="Names and addresses",
        help_text="One person a line, such as “Ada Lovelace <ada@example.org>”; or cells, copied "
        "from a spreadsheet.",
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60, "spellcheck": "false"}),
    )
    file = forms.FileField(
        required=False,
        max_length=None,
        label="Or a file",
        help_text=f"A spreadsheet (XLSX, ODS) or CSV, with up to {MAX_ROWS:,} people. Columns "
        "named “Name” and “E-mail” are found, in many languages.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.ods"}),
    )

    def clean(self):
        lines, file = self.cleaned_data.get("lines"), self.cleaned_data.get("file")
        if self.errors:
            return
        if bool(lines) == bool(file):
            raise ValidationError(
                "Please either paste lines or choose a file."
                if not lines
                else "Please give the lines or the file, not both: they become two lists.",
                code="either_or",
            )
        try:
            self.reading = read_file(file) if file else read_text(lines)
        except ValidationError as error:
            self.add_error("file" if file else "lines", error)
        except Busy:
            self.add_error("file", ValidationError(BUSY, code="busy"))

    def save(self, owner) -> InvitationList:
        file = self.cleaned_data["file"]
        title = "".join(filter(str.isprintable, file.name))[-MAX_TITLE:] if file else PASTED
        return InvitationList.objects.create(
            owner=owner, title=title, rows=self.reading.rows, notes=self.reading.notes
        )
