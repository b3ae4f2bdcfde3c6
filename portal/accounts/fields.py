"""Form and model fields for e-mail addresses: one rule for the admin, forms and the shell."""

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.lookups import Exact

from .email_address import canonical, shown

NO_ADDRESS = "@"  # equals no stored address, and a database can compare with it


class AddressFormField(forms.EmailField):
    """A form field that takes an address in any of its forms and yields the canonical one."""

    default_validators = []  # canonical() is stricter in some things and more lenient in others

    def to_python(self, value):
        value = super().to_python(value)
        return value if value in self.empty_values else canonical(value)

    def prepare_value(self, value):
        return shown(value) if isinstance(value, str) else value


class EmailAddressField(models.EmailField):
    """An address, stored in canonical form.

    Saving a text that is not an address raises ValidationError; a lookup of one finds nothing.
    """

    default_validators = []  # canonical() has the rules

    def to_python(self, value):
        value = super().to_python(value)
        return value if value in self.empty_values else canonical(value)

    def pre_save(self, model_instance, add):
        address = canonical(getattr(model_instance, self.attname) or "")
        setattr(model_instance, self.attname, address)
        return address

    def get_db_prep_save(self, value, connection):
        # queryset.update() calls only this method, and must not store another form.
        if isinstance(value, str):
            value = canonical(value)
        return super().get_db_prep_save(value, connection)

    def get_prep_value(self, value):
        try:
            return super().get_prep_value(value)  # which calls to_python()
        except ValidationError:
            return NO_ADDRESS

    def formfield(self, **kwargs):
        return super().formfield(**{"form_class": AddressFormField, **kwargs})


@EmailAddressField.register_lookup
class CanonicalMatch(Exact):
    """``email__iexact``: two addresses of one canonical form are equal whatever their case."""

    lookup_name = "iexact"
