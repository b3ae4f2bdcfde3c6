"""Every list of the admin, as the staff work with it, and every field of the site's own forms.

A column that is added or dropped changes admin_lists.txt and form_fields.txt, where a reader of the
change sees it.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib import admin
from django.urls import reverse

from profiles.society.models import Society

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LISTS = Path(__file__).with_name("admin_lists.txt")
FIELDS = Path(__file__).with_name("form_fields.txt")
FROM_DJANGO = {"class", "id", "value", "aria-describedby", "data-context", "data-model-ref"}
NOT_OURS = re.compile("csrfmiddlewaretoken|__prefix__|_FORMS ")


def described(page) -> list[str]:
    """Say what a list shows and offers: each column with what sorts it."""
    cl = page.context["cl"]
    columns = [f"{name} by {cl.get_ordering_field(name) or '-'}" for name in cl.list_display]
    filters = [f"{type(each).__name__} {each.title}" for each in cl.filter_specs]
    form = page.context["action_form"]
    actions = [name for name, _ in form.fields["action"].choices if name] if form else []
    return [
        f"    columns: {', '.join(columns)}",
        f"    links: {cl.list_display_links}",
        f"    filters: {', '.join(filters) or '-'}",
        f"    search: {', '.join(cl.search_fields) or '-'}",
        f"    order: {', '.join(map(str, cl.model_admin.ordering or ())) or '-'}",
        f"    period: {cl.date_hierarchy or '-'}; rows: {cl.list_per_page}, {cl.list_max_show_all}",
        f"    with: {cl.list_select_related}",
        f"    actions: {', '.join(actions) or '-'}",
    ]


def test_each_list_of_the_admin(client, staff):
    client.force_login(staff)
    found = []
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label):
        meta = model._meta
        page = client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"))
        if page.status_code == 200:
            found += [meta.label, *described(page)]

    assert found == LISTS.read_text().splitlines()


class Fields(HTMLParser):
    """Reads the fields of a page's forms."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag in {"input", "select", "textarea"} and "name" in dict(attrs):
            shown = sorted((name, value) for name, value in attrs if name not in FROM_DJANGO)
            words = [name if value is None else f"{name}={value}" for name, value in shown]
            line = f"    {tag} {' '.join(words)}"
            self.found += [] if NOT_OURS.search(line) else [line]


def test_each_field_of_the_sites_forms(client, staff):
    client.force_login(staff)
    Society.objects.create(name="The Society")
    found = []
    for address in (
        "/me/edit/",
        "/members/",
        "/admin/profiles/user/add/",
        f"/admin/profiles/user/{staff.pk}/change/",
        "/admin/profiles/user/files/",
        "/admin/invitations/invitation/new/",
        f"/admin/society/society/{Society.objects.get().pk}/change/",
    ):
        page = client.get(address)
        assert page.status_code == 200, address
        fields = Fields()
        fields.feed(page.text)
        found += [re.sub(r"\d+", "N", address), *fields.found]

    assert found == FIELDS.read_text().splitlines()
