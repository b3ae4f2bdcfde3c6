"""The data that the portal holds about a member: a decision for every column of every table.

The archive of a member's data has the columns that are given here; deletion.py deletes the rows.
Whoever adds a column adds a decision here: until then, a test fails.
"""

from collections.abc import Callable
from typing import NamedTuple

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet

from profiles.models import Profile, User


class Given(NamedTuple):
    """A table with rows about members, and which of its columns a member is given."""

    title: str  # in the archive
    rows: Callable  # from a user to the condition for the rows
    columns: str
    left_out: dict[str, str] = {}  # the other columns, and why they are not given


class NotGiven(NamedTuple):
    """A table of which a member is given nothing."""

    why: str


def of(path: str) -> Callable:
    """Return a function from a user to the condition for rows whose path leads to the user."""
    return lambda user: Q(**{path: user.pk})


def addresses(user) -> set[str]:
    """The addresses that messages to a member may have gone to."""
    return {user.email, *user.emailaddress_set.values_list("email", flat=True)}


def about_account(user) -> Q:
    """The condition for entries of the admin's log about a member's account or profile."""
    profile = Profile.objects.filter(user=user).values_list("pk", flat=True).first()
    models = ContentType.objects.get_for_models(User, Profile)
    return Q(content_type=models[User], object_id=str(user.pk)) | Q(
        content_type=models[Profile], object_id=str(profile)
    )


NUMBER = "A number of the database."
MADE = "Made of the profile, to find and to sort it."
KEY = "A secret, of use only to somebody who wants to get in."
FILE = "The name under which a file is stored; the archive has the files."
SITE = "About the site, and nobody."
DELIVERED = "Deleted as soon as the message is delivered, or about the delivery."

TABLES = {
    "profiles.User": Given(
        "account",
        of("pk"),
        "email is_active is_staff is_superuser date_joined last_login leaves_at language",
        {"id": NUMBER, "password": KEY},
    ),
    "profiles.Profile": Given(
        "profile",
        of("user"),
        "name headline bio visibility resume_pages resume_bytes resume_is_searched created_at "
        "updated_at not_asked use_for_tests place place_visibility skills skills_visibility links "
        "links_visibility phone phone_visibility contact_email contact_email_visibility "
        # What is written about somebody is theirs to read, opinions included: GDPR, article 15.
        "staff_note tells_openings openings_told_on",
        {"id user": NUMBER, "sort_key": MADE, "avatar avatar_small resume resume_picture": FILE},
    ),
    "profiles.ResumeDownload": Given(
        "resumes",  # archive.py writes both directions: who opened this one, and which they opened
        lambda user: Q(member=user.pk) | Q(profile__user=user.pk),
        "profile member opened_at",
        {"id": NUMBER},
    ),
    "profiles.StoredUpload": Given(
        "files that were chosen and not saved, and are deleted within the hour",
        of("owner"),
        "purpose filename pages bytes text note created_at expires_at",
        {"id owner": NUMBER, "file picture published published_small": FILE},
    ),
    "profiles.User_user_permissions": Given(
        "rights", of("user"), "permission", {"id user": NUMBER}
    ),
    "profiles.User_groups": Given("groups", of("user"), "group", {"id user": NUMBER}),
    "account.EmailAddress": Given(
        "e-mail addresses", of("user"), "email verified primary", {"id user": NUMBER}
    ),
    "account.EmailConfirmation": Given(
        "links that confirm an address",
        of("email_address__user"),
        "created sent",
        {"id email_address": NUMBER, "key": KEY},
    ),
    "mfa.Authenticator": Given(
        "second factors",
        of("user"),
        "type created_at last_used_at",
        {"id user": NUMBER, "data": KEY},
    ),
    "usersessions.UserSession": Given(
        "where you are logged in",
        of("user"),
        "created_at ip last_seen_at user_agent",
        {"id user": NUMBER, "session_key data": KEY},
    ),
    "outbox.OutgoingMessage": Given(
        "messages of the last 30 days",
        lambda user: Q(to__in=addresses(user)),
        "kind to subject state written_at finished_at",
        {
            "id": NUMBER,
            "content context message_id about_account attempts handed_over last_error due_at "
            "expires_at": DELIVERED,
        },
    ),
    "admin.LogEntry": Given(
        "what the staff did with your account",
        about_account,
        "action_time action_flag change_message",
        {
            "id content_type object_id": NUMBER,
            "user": "Who of the staff it was, which is about them.",
            "object_repr": "The name or address at that time, for the list of the staff.",
        },
    ),
    "profiles.ResumeText": Given(
        "what others find you by in your resume",
        of("profile__user"),
        "text",
        {"profile": NUMBER, "source": FILE, "words": MADE},
    ),
    "invitations.Invitation": Given(
        "your invitation",
        of("user"),
        "invited_at",
        {
            "id user message source": NUMBER,
            "invited_by": "Who of the staff it was, which is about them.",
        },
    ),
    "invitations.InvitationList": Given(
        "lists of people that you have invited",
        of("owner"),
        "title created_at expires_at confirmed_at",
        {"id owner": NUMBER, "rows notes outcome": "About those who are invited."},
    ),
    "batches.BatchFile": Given(
        "files that you have chosen for others, and that are deleted within the hour",
        of("owner"),
        "filename refusal created_at",
        {"id owner": NUMBER, "upload profile how candidates": "About those for whom it is."},
    ),
    "profiles.PendingFile": NotGiven("Names of files that are being stored or deleted."),
    "profiles.DirectoryEntry": NotGiven(MADE),
    "profiles.ProfileTag": NotGiven(MADE),
    "profiles.ProfileWord": NotGiven(MADE),
    "profiles.WordDeletion": NotGiven(MADE),
    "sessions.Session": NotGiven(KEY),
    "privacy.Departure": NotGiven("Only of accounts that are deleted; it tells nobody's name."),
    "society.Society": NotGiven(SITE),
    "contenttypes.ContentType": NotGiven(SITE),
    "auth.Permission": NotGiven(SITE),
    "auth.Group": NotGiven(SITE),
    "auth.Group_permissions": NotGiven(SITE),
}


def undecided_columns() -> list[str]:
    """Columns without a decision, and decisions without a column, as app.Model.field."""
    present, decided = set(), set()
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        if not model._meta.proxy and not isinstance(TABLES.get(label), NotGiven):
            present |= {f"{label}.{field.name}" for field in model._meta.local_concrete_fields}
    for label, table in TABLES.items():
        if isinstance(table, Given):
            columns = [table.columns, *table.left_out]
            decided |= {f"{label}.{name}" for names in columns for name in names.split()}
    return sorted(present ^ decided)


def rows_about(user, model) -> QuerySet:
    """Return the rows of a model about a user, by the decisions above."""
    return QuerySet(model).filter(TABLES[model._meta.label].rows(user))
