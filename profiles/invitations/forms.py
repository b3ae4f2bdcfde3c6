from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.files.fields import EMPTY
from profiles.uploads.forms import BUSY
from profiles.uploads.turns import Busy

from .models import PASTED, InvitationList
from .reading import MAX_ROWS, read_file, read_text

MAX_PASTED = 1_000_000  # characters
MAX_TITLE = 100


def about_the_file() -> str:
    """Say what a file may be."""
    most = {"most": number_format(MAX_ROWS, force_grouping=True)}
    return (
        gettext(
            "A spreadsheet (XLSX, ODS) or CSV, with up to %(most)s people. Columns named “Name” "
            "and “E-mail” are found, in many languages."
        )
        % most
    )


class InvitationListForm(forms.Form):
    """Lines or a file, of which saving makes a list to look at; nobody is invited by it."""

    lines = forms.CharField(
        required=False,
        max_length=MAX_PASTED,
        label=_("Names and addresses"),
        help_text=_(
            "One person a line, such as “Ada Lovelace <ada@example.org>”; or cells, copied from a "
            "spreadsheet."
        ),
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60, "spellcheck": "false"}),
    )
    file = forms.FileField(
        required=False,
        max_length=None,
        label=_("Or a file"),
        error_messages={"empty": EMPTY},
        help_text=lazy(about_the_file, str)(),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.ods"}),
    )

    def clean(self):
        lines, file = self.cleaned_data.get("lines"), self.cleaned_data.get("file")
        if self.errors:
            return
        if bool(lines) == bool(file):
            raise ValidationError(
                _("Please either paste lines or choose a file.")
                if not lines
                else _("Please give the lines or the file, not both: they become two lists."),
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
        title = file.name[-MAX_TITLE:] if file else PASTED
        return InvitationList.objects.create(
            owner=owner, title=title, rows=self.reading.rows, notes=self.reading.notes
        )
