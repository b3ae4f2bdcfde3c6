"""Has the admin store what came with a form before it opens the transaction that saves it.

Django's admin validates and saves in one transaction. A file that was parsed and sent to S3 within
it would keep a database connection, and locks, for as long as that takes.
"""

from django.contrib.admin.utils import unquote

from .uploads.forms import StoredUploadsForm, told_to_wait


def form_in(request, form: type[StoredUploadsForm]) -> type[StoredUploadsForm]:
    """Return the form's class for one request, in which each file is received once."""
    if not hasattr(request, "received_uploads"):
        request.received_uploads = {}
    attributes = {"uploader": request.user, "received": request.received_uploads}
    return type(form.__name__, (form,), attributes)


class StoresUploadsFirst:
    """Mixin for a ModelAdmin whose inlines have a StoredUploadsForm, made by form_in()."""

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        must_wait = request.method == "POST" and self.store_uploads(request, object_id)
        response = super().changeform_view(request, object_id, form_url, extra_context)
        return told_to_wait(response) if must_wait else response

    def store_uploads(self, request, object_id) -> bool:
        """Validate the forms with files, which stores them; return True if one has to wait."""
        parent = object_id and self.get_object(request, unquote(object_id))
        if not parent or not self.has_change_permission(request, parent):
            return False
        forms = []
        for formset_class, inline in self.get_formsets_with_inlines(request, parent):
            is_theirs = inline.has_change_permission(request, parent)
            if is_theirs and issubclass(formset_class.form, StoredUploadsForm):
                prefix = formset_class.get_default_prefix()
                formset = formset_class(**self.get_formset_kwargs(request, parent, inline, prefix))
                formset.is_valid()
                forms += formset.forms
        return any(form.must_wait for form in forms)
