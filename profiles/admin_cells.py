"""Cells of the admin's lists that say what they are: on phones, lists have no headings."""

from django.contrib.admin.templatetags.admin_list import _boolean_icon
from django.utils.html import format_html


def labelled(label, value):
    """Return a cell with a label, which portal-admin.css shows on phones alone."""
    shown = _boolean_icon(value) if isinstance(value, bool) else value
    return format_html('<span class="cell-label">{}</span> {}', label, shown)
