"""The decision for every column of the live database: what becomes of it on staging.

A staging site starts as a copy of the live database. Staff keep accounts that they can log in with;
so do members who have ticked it, where an operator asks for them. Some members stay, each as
somebody who does not exist; all others are deleted, with all the rows that refer to them. Whoever
adds a column adds a decision about it here: until then, portal/staging/scrubbing.py refuses to run.

A column is `kept` (also in the rows of members who are replaced: nothing personal may be in it),
`cleared`, `replaced` by a rule, or `rebuilt` from others. A rule is a function of a row and a
column's name: see portal/staging/invented.py.
"""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from portal.staging import invented
from portal.staging.placeholders import Placeholder
from portal.staging.sampling import People, Stratum, of_departed, of_replaced, of_unchanged
from portal.staging.scrubbing import EVERY_ROW, NO_ROW, Cleared, Decision, ScrubRules

from . import stand_ins
from .directory.indexing import rebuild
from .directory.models import ProfileWord

YEAR = timedelta(days=365)
NOBODYS_WORD = Q(~Exists(ProfileWord.objects.filter(word=OuterRef("word"))))

PEOPLE = People(
    "profiles.User",
    unchanged=Q(is_staff=True),
    consenting=Q(profile__use_for_tests=True),
    strata=(
        Stratum("with a photo", ~Q(profile__avatar="")),
        Stratum("without a photo", Q(profile__avatar="")),
        Stratum("with a resume", ~Q(profile__resume="")),
        Stratum("without a resume", Q(profile__resume="")),
        Stratum("public", Q(profile__visibility="public")),
        Stratum("members only", Q(profile__visibility="members")),
        Stratum("hidden", Q(profile__visibility="hidden")),
        Stratum("not active", Q(is_active=False)),
        Stratum("never logged in", Q(last_login=None)),
        Stratum("logged in", ~Q(last_login=None)),
        Stratum("resume was opened", Q(profile__downloads__isnull=False)),
        Stratum("without a name", Q(profile__name="")),
        Stratum("longest names", longest="profile__name"),
        Stratum("longest headlines", longest="profile__headline"),
        Stratum("longest bios", longest="profile__bio"),
    ),
)

DECISIONS = {
    "contenttypes.ContentType": Decision(NO_ROW, kept="id app_label model"),
    "auth.Permission": Decision(NO_ROW, kept="id name content_type codename"),
    "auth.Group": Decision(NO_ROW, kept="id name"),
    "auth.Group_permissions": Decision(NO_ROW, kept="id group permission"),
    "profiles.User": Decision(
        of_departed("pk"),
        kept="id is_active is_staff is_superuser",
        cleared={
            "language": Cleared("", where=of_replaced("pk")),  # a rare one may tell who it was
            # Which makes links to set a password invalid.
            "last_login": Cleared(where=of_unchanged("pk")),
            "leaves_at": Cleared(),  # or the nights on staging would delete its rows
        },
        replaced={
            "email": invented.address_of("profiles.User", "id"),
            "password": invented.unusable_password,
            "last_login": invented.month,
            "date_joined": invented.month,
        },
        replaced_rows=of_replaced("pk"),
        unlike_live="email",
    ),
    "profiles.User_groups": Decision(of_departed("user"), kept="id user group"),
    "profiles.User_user_permissions": Decision(of_departed("user"), kept="id user permission"),
    "profiles.Profile": Decision(
        of_departed("user"),
        kept="id user visibility resume_is_searched place_visibility skills_visibility "
        "links_visibility phone_visibility contact_email_visibility",
        cleared={
            "use_for_tests": Cleared(False, where=of_replaced("user")),
            "staff_note": Cleared(""),  # of those, too, who are on staging as they are
            "tells_openings": Cleared(False),  # or the nights on staging would send messages
            "openings_told_on": Cleared(),
            "not_asked": Cleared("", where=of_replaced("user")),
        },
        replaced={
            "name": invented.name,
            "headline": invented.text,
            "bio": invented.text,
            "place": stand_ins.place,
            "skills": stand_ins.skills,
            "links": stand_ins.links,
            "phone": stand_ins.phone,
            "contact_email": stand_ins.contact_email,
            "avatar": Placeholder("avatars", ".webp", stand_ins.photo, is_fixed=True),
            "avatar_small": Placeholder("avatars", ".webp", stand_ins.small_photo, is_fixed=True),
            "resume": stand_ins.RESUME,
            "resume_picture": Placeholder("resumes", ".png", stand_ins.first_page),
            "resume_pages": stand_ins.resume_pages,
            "resume_bytes": stand_ins.resume_bytes,
            "created_at": invented.month,
            "updated_at": invented.month,
        },
        replaced_rows=of_replaced("user"),
        unlike_live="name",
        rebuilt="sort_key",
    ),
    "profiles.DirectoryEntry": Decision(
        of_departed("profile__user"),
        kept="profile",
        rebuilt="name headline everyone members everyone_details members_details",
    ),
    "profiles.ProfileTag": Decision(
        of_departed("profile__user"), kept="id profile", rebuilt="kind key label for_everyone"
    ),
    "profiles.ResumeText": Decision(
        of_departed("profile__user"),
        kept="profile",
        replaced={"source": stand_ins.resume_name, "text": stand_ins.resume_words},
        replaced_rows=of_replaced("profile__user"),
        rebuilt="words",
    ),
    # Before ProfileWord, and so scrubbed after it: words that nobody has any more are deleted.
    "profiles.WordDeletion": Decision(NOBODYS_WORD, kept="id", rebuilt="rest word"),
    "profiles.ProfileWord": Decision(
        of_departed("profile__user"), kept="id profile", rebuilt="word for_everyone"
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
        of_departed("profile__user") | Q(opened_at__lt=Now() - YEAR),
        kept="id profile",
        cleared={"member": Cleared(where=of_departed("member"))},
        replaced={"opened_at": invented.month},
        replaced_rows=of_replaced("profile__user") | of_replaced("member"),
    ),
    "admin.LogEntry": Decision(
        of_departed("user") | of_replaced("user"),
        kept="id action_time user content_type object_id action_flag",
        # Both hold members' names, and may quote a form as it was years ago.
        cleared={"object_repr": Cleared(""), "change_message": Cleared("")},
    ),
    # Without a verified address, a member of the staff could no longer change it.
    "account.EmailAddress": Decision(
        of_departed("user") | Q(verified=False) | (of_replaced("user") & Q(primary=False)),
        kept="id user verified primary",
        replaced={"email": invented.address_of("profiles.User", "user_id")},
        replaced_rows=of_replaced("user"),
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
    people=PEOPLE,
    rebuild=rebuild,
    stated_in="profiles/scrub_rules.py",
    kept_tables=frozenset({"django_migrations"}),
    emptied_tables=frozenset({"portal_cache"}),  # keys of the throttle hold addresses
)
