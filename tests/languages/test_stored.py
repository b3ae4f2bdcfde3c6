"""No row keeps a text as it was shown: whoever reads it later has it in their own language."""

import json
from smtplib import SMTPRecipientsRefused

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.db import models

from portal.outbox.delivery import in_words
from portal.outbox.models import OutgoingMessage
from profiles.invitations.models import InvitationList
from profiles.models import StoredUpload, User
from tests.support import samples

from .pseudo import BEGIN, CODE

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NEW_LIST = "/admin/invitations/invitation/new/"
FILES = "/admin/profiles/user/files/"
AS_IT_IS_SENT = {"outbox.OutgoingMessage.content", "outbox.OutgoingMessage.subject"}


@pytest.fixture
def reader(staff, client, pseudo):
    """One of the staff, who reads the pseudo language."""
    User.objects.filter(pk=staff.pk).update(language=CODE, is_superuser=True)
    client.force_login(staff)
    return staff


@pytest.fixture
def page_in(reader, client):
    """A function that returns a page in a language."""

    def page_in(language, address):
        User.objects.filter(pk=reader.pk).update(language=language)
        return client.get(address).text

    return page_in


def shown_texts() -> list[str]:
    """Return the columns whose rows hold a text of the pseudo language."""
    found = []
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            name = f"{model._meta.label}.{field.name}"
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                values = model._base_manager.values_list(field.name, flat=True)
                is_shown = any(BEGIN in json.dumps(each, ensure_ascii=False) for each in values)
                found += [name] * (is_shown and name not in AS_IT_IS_SENT)
    return found


def a_refused_file(client, member):
    client.post(f"{FILES}send/", {"files": ContentFile(b"%PDF-1.4 none", name="cv.pdf")})
    return FILES, "This PDF is damaged. Please save it as PDF again and choose the new file."


def a_file_that_was_mended(client, member):
    scan = ContentFile(b"\n" + samples.pdf(), name="cv.pdf")
    client.post(f"{FILES}send/", {"files": scan})
    assert StoredUpload.objects.exists()
    return FILES, "Your PDF had a fault and was repaired."


def a_list_with_a_column_too_many(client, member):
    lines = "Name\tE-mail\tTown\nΛ\tlambda@example.org\tΠ"
    address = client.post(NEW_LIST, {"lines": lines})["Location"]
    return address, "Columns that are not used: Town."


def the_title_of_pasted_lines(client, member):
    client.post(NEW_LIST, {"lines": "lambda@example.org"})
    return NEW_LIST, "Pasted lines"


def the_report_of_a_list(client, member):
    lines = f"lambda@example.org\n{member.email}\nlambda@example.org\n@"
    address = client.post(NEW_LIST, {"lines": lines})["Location"]
    client.post(address)
    assert InvitationList.objects.get().outcome
    return address, "Ada Lovelace keeps what is there."


def the_history_of_who_was_invited(client, member):
    address = client.post(NEW_LIST, {"lines": "lambda@example.org"})["Location"]
    client.post(address)
    invited = User.objects.get(email="lambda@example.org")
    return f"/admin/profiles/user/{invited.pk}/history/", "Invited with pasted lines."


def the_history_of_a_file(client, member):
    client.post(f"{FILES}send/", {"files": ContentFile(samples.pdf(), name="ada lovelace.pdf")})
    [file] = client.get(FILES).context["files"]
    client.post(f"{FILES}save/", {"save": "1", f"member-{file.pk}": file.label})
    assert LogEntry.objects.exists()
    words = "Set the resume from the file “ada lovelace.pdf”."
    return f"/admin/profiles/user/{member.pk}/history/", words


def the_history_of_being_deactivated(client, member):
    chosen = {"action": "deactivate", "_selected_action": [member.pk]}
    client.post("/admin/profiles/user/", chosen)
    return f"/admin/profiles/user/{member.pk}/history/", "Deactivated."


def the_history_of_leaving(client, member):
    client.post(f"/admin/profiles/user/{member.pk}/leaving/", {"leave": "1"})
    return f"/admin/profiles/user/{member.pk}/history/", "Started the member&#x27;s leaving."


def why_a_message_was_not_delivered(client, member):
    refusal = SMTPRecipientsRefused({"Λ": (550, b"no such user")})
    OutgoingMessage.objects.create(to="lambda@example.org", last_error=in_words(refusal))
    page = "/admin/outbox/outgoingmessage/"
    return page, "The mail server refused the address: 550 no such user"


@pytest.mark.parametrize(
    "leave_it",
    [
        a_refused_file,
        a_file_that_was_mended,
        a_list_with_a_column_too_many,
        the_title_of_pasted_lines,
        the_report_of_a_list,
        the_history_of_who_was_invited,
        the_history_of_a_file,
        the_history_of_being_deactivated,
        the_history_of_leaving,
        why_a_message_was_not_delivered,
    ],
)
def test_what_a_row_keeps_is_read_in_the_reader_s_language(leave_it, client, member, page_in):
    address, words = leave_it(client, member)

    assert shown_texts() == []
    in_english, in_pseudo = page_in("en-gb", address), page_in(CODE, address)
    assert words in in_english
    assert f"{BEGIN}{words}" not in in_english
    assert f"{BEGIN}{words}" in in_pseudo


def test_a_text_that_a_former_release_has_kept_is_shown_as_it_is(reader, member, page_in):
    LogEntry.objects.log_actions(reader.pk, [member], 2, "[[1]] 100 % of it")

    page = page_in(CODE, f"/admin/profiles/user/{member.pk}/history/")

    assert "[[1]] 100 % of it" in page
