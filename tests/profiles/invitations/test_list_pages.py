"""The pages of lists: what they have and answer. Catalogue row N1."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.utils import timezone

from profiles.directory import indexing
from profiles.invitations import forms, inviting
from profiles.invitations.models import Invitation, InvitationList, delete_expired_lists
from profiles.models import Profile, User
from profiles.uploads.forms import BUSY, BUSY_SECONDS
from profiles.uploads.turns import Busy

from .test_lists import LINES, NEW, addresses, paste

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NO_NAME_FOR_MAIL = (
    "“a@b” before the @ is not a name that mail can be sent to. Please use an address with "
    "the letters a to z, digits and single dots there."
)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def said(page) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in page.context["messages"]]


def told(client, address) -> dict[int, tuple[str, str]]:
    """What a list's page says of each line: what becomes of it, and why."""
    page = client.get(address).context["page"]
    return {each.row.line: (each.fate_label, each.why) for each in page}


def come(email, **fields):
    """Somebody who was invited: with a name, and nothing more."""
    name = fields.pop("name", "")
    user = User.objects.create_user(email, **fields)
    Profile.objects.filter(user=user).update(name=name)
    return user


def test_each_line_says_what_becomes_of_it_and_why(desk, member):
    paste(desk, "Pending <pending@example.org>")
    desk.post(paste(desk, "Pending <pending@example.org>"))
    come("nameless@example.org")
    come("named@example.org", name="Name")
    come("left@example.org", name="Lee", is_active=False)
    come("gone@example.org", is_active=False)
    come("staff2@example.org", is_staff=True)
    preview = paste(
        desk,
        "New <new@example.org>\n"
        "NEW@example.org\n"
        f"{member.email}\n"
        "Lee <left@example.org>\n"
        "gone@example.org\n"
        "staff2@example.org\n"
        "Nameless <nameless@example.org>\n"
        "New Name <named@example.org>\n"
        "Name <named@example.org>\n"
        "pending@example.org\n"
        "Pending <pending@example.org>\n"
        "\u202e <x@example.org>\n"
        "nobody\n"
        "a@b@c\n",
    )

    assert told(desk, preview) == {
        1: ("will be invited", ""),
        2: ("is in the list twice", "Line 1 has this address."),
        3: ("is a member already", "Ada Lovelace keeps what is there."),
        4: ("is a member already", "Lee, whose account is not active."),
        5: ("is a member already", "gone@example.org, whose account is not active."),
        6: ("is a member already", "staff2@example.org keeps what is there."),
        7: (
            "gets another name",
            "Invited before, and has not come. The name becomes Nameless.",
        ),
        8: (
            "gets another name",
            "Invited before, and has not come. Name becomes New Name.",
        ),
        9: ("is in the list twice", "Line 8 has this address."),
        10: (
            "was invited before",
            "Has not come yet. A new link can be sent from the pending invitations.",
        ),
        11: ("is in the list twice", "Line 10 has this address."),
        12: (
            "cannot be invited",
            "Please use letters and signs that can be seen. Please give a name that can be seen.",
        ),
        13: ("cannot be invited", "There is no e-mail address on this line."),
        14: (
            "cannot be invited",
            NO_NAME_FOR_MAIL,
        ),
    }


def test_whoever_was_invited_without_a_record_is_told_where_to_be_found(desk):
    come("named@example.org", name="Name")

    assert told(desk, paste(desk, "Name <named@example.org>")) == {
        1: (
            "was invited before",
            "Has not come yet. A new link can be sent from the list of members.",
        )
    }


def test_the_report_says_what_became_of_each_line(desk, member):
    renamed = come("named@example.org", name="Name")
    preview = paste(desk, f"New <new@example.org>\nNew Name <named@example.org>\n{member.email}\nx")
    page = desk.get(preview)
    assert page.context["title"] == "Pasted lines: what becomes of each line"
    assert page.context["fates"] == [
        ("new", "will be invited", 1),
        ("changed", "gets another name", 1),
        ("exists", "is a member already", 1),
        ("refused", "cannot be invited", 1),
    ]
    assert (page.context["acting"], page.context["new"], page.context["progress"]) == (2, 1, None)
    assert page.context["is_delivering"] is True

    report = desk.post(preview, {"new": "1"})
    again = desk.get(report["Location"])

    assert report["Location"] == preview
    assert said(again) == []
    assert again.context["title"] == "Pasted lines: what became of each line"
    assert told(desk, preview) == {
        1: ("invited", ""),
        2: ("got another name", "Invited before, and has not come. Name becomes New Name."),
        3: ("is a member already", "Ada Lovelace keeps what is there."),
        4: ("cannot be invited", "There is no e-mail address on this line."),
    }
    new = User.objects.get(email="new@example.org")
    assert InvitationList.objects.get().outcome == [
        ["new", [], None],
        ["changed", InvitationList.objects.get().outcome[1][1], renamed.pk],
        ["exists", InvitationList.objects.get().outcome[2][1], member.pk],
        ["refused", [], None],
    ]
    assert Invitation.objects.get(user=new).source == InvitationList.objects.get()


@pytest.mark.parametrize(
    ("fate", "lines"), [("new", [1]), ("refused", [2]), ("", [1, 2]), ("no-fate", [1, 2])]
)
def test_lines_of_one_fate_are_shown_alone(desk, fate, lines):
    preview = paste(desk, "a@example.org\nnobody")

    page = desk.get(f"{preview}?fate={fate}")

    assert [each.row.line for each in page.context["page"]] == lines
    assert page.context["chosen"] == fate
    assert [count for _, _, count in page.context["fates"]] == [1, 1]


def test_a_page_has_a_hundred_lines(desk):
    preview = paste(desk, "\n".join(f"p{i}@example.org" for i in range(101)))

    assert len(desk.get(preview).context["page"]) == 100
    assert [each.row.line for each in desk.get(f"{preview}?page=2").context["page"]] == [101]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ("2", "Others were at work meanwhile: 1 of 2 were invited."),
        ("0", "Others were at work meanwhile: 1 of 0 were invited."),
        ("1", None),
        ("", None),
        ("x", None),
        ("-1", None),
    ],
)
def test_the_staff_are_told_if_others_were_faster(desk, member, seen, words):
    preview = paste(desk, f"new@example.org\n{member.email}")

    page = desk.post(preview, {"new": seen} if seen else {}, follow=True)

    assert said(page) == ([("warning", words)] if words else [])


@pytest.mark.parametrize(("failures", "is_done"), [(2, True), (3, False)])
def test_it_is_tried_three_times_where_others_write_at_the_same_moment(
    desk, monkeypatch, failures, is_done
):
    preview, tries = paste(desk, "new@example.org"), []
    create = inviting.create_members

    def refused(rows):
        tries.append(1)
        if len(tries) <= failures:
            raise IntegrityError
        return create(rows)

    monkeypatch.setattr(inviting, "create_members", refused)
    if is_done:
        assert desk.post(preview).status_code == 302
    else:
        with pytest.raises(IntegrityError):
            desk.post(preview)

    assert (len(tries), addresses()) == (3, {"new@example.org"} if is_done else set())


@pytest.mark.parametrize("title", ["pasted", "people.csv"])
def test_the_history_of_each_member_has_the_list(desk, clerk, title):
    come("named@example.org", name="Name")
    lines = "New <new@example.org>\nNew Name <named@example.org>"
    if title == "pasted":
        preview = paste(desk, lines)
    else:
        file = SimpleUploadedFile(title, lines.encode())
        preview = desk.post(NEW, {"file": file})["Location"]
    before = Profile.objects.get(name="Name").updated_at

    desk.post(preview)

    entries = LogEntry.objects.filter(user=clerk).order_by("pk")
    people = [(User.objects.get(pk=e.object_id).email, e.action_flag) for e in entries]
    assert people == [("new@example.org", ADDITION), ("named@example.org", CHANGE)]
    User.objects.filter(pk=clerk.pk).update(is_superuser=True)
    histories = [
        desk.get(f"/admin/profiles/user/{entry.object_id}/history/").text for entry in entries
    ]
    if title == "pasted":
        words = ["Invited with pasted lines.", "Changed the name, by pasted lines."]
    else:
        words = [
            "Invited with the list “people.csv”.",
            "Changed the name, by the list “people.csv”.",
        ]
    assert [word in history for word, history in zip(words, histories, strict=True)] == [True] * 2
    assert Profile.objects.get(name="New Name").updated_at > before


def test_the_search_texts_of_those_in_the_list_are_written_and_no_others(desk, member, monkeypatch):
    index, batches = indexing.index, []

    def noted(profiles, **options):
        batches.append(sorted(profiles.values_list("name", flat=True)))
        return index(profiles, **options)

    monkeypatch.setattr(indexing, "index", noted)
    monkeypatch.setattr(indexing, "BATCH", 2)
    desk.post(paste(desk, "A <a@example.org>\nB <b@example.org>\nC <c@example.org>"))
    desk.post(paste(desk, "D <b@example.org>"))

    assert batches == [["A", "B"], ["C"], ["D"]]


def test_times_of_a_list(desk, monkeypatch):
    """A day before it is confirmed, and thirty days after."""
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    preview = paste(desk, "new@example.org")
    assert InvitationList.objects.get().expires_at == NOON + timedelta(days=1)

    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(hours=1))
    desk.post(preview)

    found = InvitationList.objects.get()
    assert found.confirmed_at == NOON + timedelta(hours=1)
    assert found.expires_at == NOON + timedelta(hours=1, days=30)
    assert Invitation.objects.get().invited_at == NOON + timedelta(hours=1)


@pytest.mark.parametrize(("seconds", "is_kept"), [(-1, True), (0, False)])
def test_a_list_is_kept_until_its_time(desk, monkeypatch, seconds, is_kept):
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    preview = paste(desk, "new@example.org")
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(days=1, seconds=seconds))

    assert (desk.get(preview).status_code == 200) is is_kept
    assert len(desk.get(NEW).context["lists"]) == is_kept
    removed = "0 invitation lists removed" if is_kept else "1 invitation lists removed"
    assert delete_expired_lists() == removed


def test_an_expired_list_leads_to_a_new_one(desk):
    preview = paste(desk, "new@example.org")
    InvitationList.objects.update(expires_at=timezone.now())

    page = desk.post(preview, follow=True)

    assert page.redirect_chain == [(NEW, 302)]
    assert said(page) == [
        ("error", "This list is no longer kept. Please paste or choose it again.")
    ]


def test_the_page_of_a_new_list_has_ones_own(desk, clerk, staff):
    first, second = paste(desk, "a@example.org"), paste(desk, "b@example.org")
    InvitationList.objects.create(owner=staff, title="another's")

    page = desk.get(NEW)

    assert page.context["title"] == "Invite from a list"
    lists = [f"/admin/invitations/invitation/lists/{each.pk}/" for each in page.context["lists"]]
    assert lists == [second, first]
    assert page.text.count("Pasted lines</a>, not confirmed yet") == 2
    assert "with up to 5,000 people" in page.text


def sheet_is_busy(*args):
    raise Busy


@pytest.mark.parametrize(
    ("posted", "field", "words", "code"),
    [
        ({}, "__all__", "Please either paste lines or choose a file.", "either_or"),
        (
            {"lines": LINES, "file": LINES},
            "__all__",
            "Please give the lines or the file, not both: they become two lists.",
            "either_or",
        ),
        ({"lines": "nobody"}, "lines", "There is no e-mail address in this.", "no_address"),
        ({"file": "nobody"}, "file", "There is no e-mail address in this.", "no_address"),
        ({"file": ""}, "file", "This file is empty. Please choose another.", "empty"),
        (
            {"lines": "x" * 1_000_001},
            "lines",
            "Ensure this value has at most 1000000 characters (it has 1000001).",
            "max_length",
        ),
    ],
)
def test_a_form_that_names_nobody_is_refused_at_its_field(desk, posted, field, words, code):
    if "file" in posted:
        posted = posted | {"file": SimpleUploadedFile("p.csv", posted["file"].encode())}

    page = desk.post(NEW, posted)

    assert page.status_code == 200
    errors = page.context["form"].errors
    assert errors.keys() == {field}
    assert errors[field][0].startswith(words)
    assert [error.code for error in errors[field].as_data()] == [code]
    assert not InvitationList.objects.exists()


def test_as_many_characters_as_may_be_are_read(desk):
    blank = f"\n{' ' * 99_999}"
    lines = f"ada@example.org{blank * 9}\n{' ' * 99_983};"

    assert len(lines) == forms.MAX_PASTED == 1_000_000
    assert told(desk, paste(desk, lines)) == {1: ("will be invited", "")}


def test_a_busy_site_asks_for_the_file_again(desk, monkeypatch):
    monkeypatch.setattr(forms, "read_file", sheet_is_busy)

    page = desk.post(NEW, {"file": SimpleUploadedFile("p.xlsx", b"x")})

    assert (page.status_code, page["Retry-After"]) == (503, str(BUSY_SECONDS))
    assert page.context["form"].errors == {"file": [str(BUSY)]}


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("people.csv", "people.csv"),
        ("a\u202eb.csv", "ab.csv"),
        ("x" * 120 + ".csv", "x" * 96 + ".csv"),
        ("Pasted lines.csv", "Pasted lines.csv"),
    ],
)
def test_a_list_has_the_name_of_its_file(desk, clerk, name, title):
    file = SimpleUploadedFile(name, b"E-mail;Town\nada@example.org;London")
    page = desk.post(NEW, {"file": file}, follow=True)

    found = InvitationList.objects.get()
    assert (found.title, found.owner, str(found)) == (title, clerk, title)
    assert found.rows == [[2, "ada@example.org", "", ""]]
    assert found.shown_notes == ["Columns that are not used: Town."]
    assert page.context["title"] == f"{title}: what becomes of each line"


def test_the_notes_of_a_former_release_are_shown_as_they_are(desk, clerk):
    found = InvitationList(owner=clerk, title="p.csv", notes=["A note."])

    assert found.shown_notes == ["A note."]
