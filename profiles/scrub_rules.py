"""The decision for every column of the live database: kept, cleared or deleted on staging.

A staging site starts as a copy of the live database. Members who are not staff are deleted with
all the rows that refer to them; staff keep accounts that they can log in with. Whoever adds a
column adds a decision about it here: until then, portal/staging/scrubbing.py refuses to run.
"""

from django.db.models import Exists, OuterRef, Q

from portal.staging.scrubbing import EVERY_ROW, NO_ROW, Cleared, Decision, ScrubRules

from .directory.models import ProfileWord


def of_departed(path: str) -> Q:
    """Return the condition for rows whose `path` leads to a user who is deleted."""
    return Q(**{f"{path}__is_staff": False})


NOBODYS_WORD = Q(~Exists(ProfileWord.objects.filter(word=OuterRef("word"))))

DECISIONS = {
    "contenttypes.ContentType": Decision(NO_ROW, kept="id app_label model"),
    "auth.Permission": Decision(NO_ROW, kept="id name content_type codename"),
    "auth.Group": Decision(NO_ROW, kept="id name"),
    "auth.Group_permissions": Decision(NO_ROW, kept="id group permission"),
    "profiles.User": Decision(
        Q(is_staff=False),
        kept="id email password is_active is_staff is_superuser date_joined leaves_at",
        cleared={"last_login": Cleared()},  # which makes links to set a password invalid
    ),
    "profiles.User_groups": Decision(of_departed("user"), kept="id user group"),
    "profiles.User_user_permissions": Decision(of_departed("user"), kept="id user permission"),
    "profiles.Profile": Decision(
        of_departed("user"),
        kept="id user name headline bio visibility avatar resume sort_key created_at updated_at "
        "avatar_small resume_picture resume_pages resume_bytes resume_is_searched "
        "place place_visibility skills skills_visibility links links_visibility phone "
        "phone_visibility contact_email contact_email_visibility not_asked",
    ),
    "profiles.DirectoryEntry": Decision(
        of_departed("profile__user"),
        kept="profile name headline everyone members everyone_details members_details",
    ),
    "profiles.ProfileTag": Decision(
        of_departed("profile__user"), kept="id profile kind key label for_everyone"
    ),
    "profiles.ResumeText": Decision(of_departed("profile__user"), kept="profile source text words"),
    # Before ProfileWord, and so scrubbed after it: words that nobody has any more are deleted.
    "profiles.WordDeletion": Decision(NOBODYS_WORD, kept="id rest word"),
    "profiles.ProfileWord": Decision(
        of_departed("profile__user"), kept="id profile word for_everyone"
    ),
    "privacy.Departure": Decision(EVERY_ROW),  # names of files in the live bucket
    # The texts are public. Whom to ask for an invitation is a person of the live site.
    "society.Society": Decision(
        NO_ROW,
        kept="id name tagline welcome logo accent privacy_notice imprint updated_at",
        cleared={"contact": Cleared(""), "contact_email": Cleared("")},
    ),
    # Chosen an hour ago and not saved: nobody on the staging site will.
    "profiles.StoredUpload": Decision(EVERY_ROW),
    "batches.BatchFile": Decision(EVERY_ROW),
    "profiles.PendingFile": Decision(EVERY_ROW),  # of processes that the live site runs
    "profiles.ResumeDownload": Decision(
        of_departed("profile__user"),
        kept="id profile opened_at",
        cleared={"member": Cleared(where=of_departed("member"))},
    ),
    "admin.LogEntry": Decision(
        of_departed("user"),
        kept="id action_time user content_type object_id action_flag",
        # Both hold members' names, and may quote a form as it was years ago.
        cleared={"object_repr": Cleared(""), "change_message": Cleared("")},
    ),
    # Without a verified address, a member of the staff could no longer change it.
    "account.EmailAddress": Decision(
        of_departed("user") | Q(verified=False), kept="id user email verified primary"
    ),
    "account.EmailConfirmation": Decision(EVERY_ROW),
    # Second factors are secrets of the live site and people's phones; staff set up new ones here.
    "mfa.Authenticator": Decision(EVERY_ROW),
    "sessions.Session": Decision(EVERY_ROW),
    "usersessions.UserSession": Decision(EVERY_ROW),
    "outbox.OutgoingMessage": Decision(EVERY_ROW),  # or staging would send them to members
    # Behind the messages that they point to: they name people who were invited on the live site.
    "invitations.InvitationList": Decision(EVERY_ROW),
    "invitations.Invitation": Decision(EVERY_ROW),
}

RULES = ScrubRules(
    decisions=DECISIONS,
    stated_in="profiles/scrub_rules.py",
    kept_tables=frozenset({"django_migrations"}),
    emptied_tables=frozenset({"portal_cache"}),  # keys of the throttle hold addresses
)
