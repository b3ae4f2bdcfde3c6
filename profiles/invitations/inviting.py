"""Writes what a list asks for, and sends invitations again or withdraws them."""

from datetime import timedelta

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from portal.accounts.messages import send_invitations
from portal.accounts.verified_address import verify_new_addresses
from portal.outbox.models import PENDING
from portal.sentences.stored import sentence, stored
from profiles.access import DETAILS
from profiles.directory import indexing
from profiles.models import Profile

from .fates import Fate, Judged, judged
from .models import PASTED, REPORT_KEPT, Invitation, InvitationList
from .reading import Row

BATCH = 500  # rows in one query
JUST_NOW = timedelta(minutes=1)
FORGOTTEN = gettext_noop("No member has this address any more.")
# For the history of each member, in the admin.
INVITED = gettext_noop("Invited with the list “%(list)s”.")
INVITED_BY_LINES = gettext_noop("Invited with pasted lines.")
RENAMED = gettext_noop("Changed the name, by the list “%(list)s”.")
RENAMED_BY_LINES = gettext_noop("Changed the name, by pasted lines.")
ATTEMPTS = 3  # each after somebody else has added one of the members meanwhile
# The profile of somebody who was invited, and for whom the staff have filled in nothing more.
NOTHING_BUT_A_NAME = dict.fromkeys(["headline", "avatar", "resume", "staff_note", *DETAILS], "")


def confirm(pk: int, owner, base_url: str) -> InvitationList | None:
    """Invite whom a list names, in one transaction; a list that was confirmed is left alone.

    All rows are judged again: between the preview and now, others may have been at work. Returns
    the list, or None where it is no longer kept.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                mine = InvitationList.objects.usable().filter(owner=owner)
                found = mine.select_for_update().filter(pk=pk).first()
                if found and not found.confirmed_at:
                    write(found, base_url)
                return found
        except IntegrityError:  # another clerk has invited one of them at the same moment
            if attempt == ATTEMPTS:
                raise
    return None


def write(found: InvitationList, base_url: str) -> None:
    """Create the new members, correct names, send invitations, and keep a report."""
    rows = judged((Row(*row) for row in found.rows), lock=True)
    new = [each for each in rows if each.fate == Fate.NEW]
    users = create_members(new)
    log(found, users, ADDITION, INVITED, INVITED_BY_LINES)
    invite_all(users, base_url, by=found.owner, source=found)
    changed = {each.user: each.name for each in rows if each.fate == Fate.CHANGED}
    rename(changed, found)
    found.confirmed_at = timezone.now()
    found.expires_at = found.confirmed_at + REPORT_KEPT
    found.outcome = [(each.fate, each.reason, each.user) for each in rows]
    found.save()


def create_members(rows: list[Judged]) -> list:
    """Create members with their profiles, addresses and search texts, as save() would.

    In the order of their addresses, so that two clerks with the same people wait for one another
    instead of both being refused.
    """
    rows = sorted(rows, key=lambda each: each.address)
    User = get_user_model()
    users = User.objects.bulk_create(
        (User(email=each.address, password=make_password(None)) for each in rows), BATCH
    )
    profiles = Profile.objects.bulk_create(
        (Profile(user=user, name=each.name) for user, each in zip(users, rows, strict=True)), BATCH
    )
    verify_new_addresses(users)
    index(profile.pk for profile in profiles)
    return users


def rename(names: dict, found: InvitationList) -> None:
    """Give another name, by primary key, to members who were invited and have not come."""
    waiting = Profile.objects.filter(user__in=names).select_related("user").order_by("pk")
    profiles = list(waiting.select_for_update(of=("self",)))
    for profile in profiles:
        profile.name = names[profile.user_id]
        profile.updated_at = timezone.now()
    Profile.objects.bulk_update(profiles, ["name", "updated_at"], BATCH)
    index(profile.pk for profile in profiles)
    log(found, [profile.user for profile in profiles], CHANGE, RENAMED, RENAMED_BY_LINES)


def index(pks) -> None:
    pks = list(pks)
    for start in range(0, len(pks), indexing.BATCH):
        indexing.index(Profile.objects.filter(pk__in=pks[start : start + indexing.BATCH]))


def log(found: InvitationList, users: list, action: int, by_file: str, by_lines: str) -> None:
    """Write the history that the admin shows on each member's page."""
    is_pasted = found.title == PASTED
    words = sentence(by_lines) if is_pasted else sentence(by_file, list=found.title)
    if users:
        LogEntry.objects.log_actions(found.owner.pk, users, action, stored(words))


def invite_all(users: list, base_url: str, *, by, source: InvitationList | None = None) -> None:
    """Put an invitation for each into the outbox, and record it as the latest."""
    now = timezone.now()
    fields = ["message", "invited_at", "invited_by"]
    Invitation.objects.bulk_create(
        (
            Invitation(user=user, message=message, invited_at=now, invited_by=by, source=source)
            for user, message in zip(users, send_invitations(users, base_url), strict=True)
        ),
        BATCH,
        update_conflicts=True,
        unique_fields=["user"],
        update_fields=fields,
    )


def invite_again(invitations, base_url: str, *, by) -> tuple[int, int]:
    """Send a new link to those who have not come, unless one was written just now: a double click.

    Returns to how many, and how many were left out.
    """
    with transaction.atomic():
        users = list(pending_users(invitations))
        just_now = timezone.now() - JUST_NOW
        recent = Invitation.objects.filter(user__in=users, invited_at__gt=just_now)
        left_out = set(recent.values_list("user", flat=True))
        again = [user for user in users if user.pk not in left_out]
        invite_all(again, base_url, by=by)
    return len(again), len(left_out)


def was_sent(user) -> bool:
    """Return True if a member was invited and has not come; a message that waits has no link."""
    pending = Invitation.objects.pending().filter(user=user)
    return pending.exclude(message__state__in=PENDING).exists()


def withdraw(invitations) -> tuple[int, int]:
    """Delete members who never came and of whom there is nothing but a name and an address.

    Returns how many were deleted, and how many left, because their profile has something in it.
    """
    with transaction.atomic():
        users = list(pending_users(invitations))
        bare = Profile.objects.filter(user__in=users, **NOTHING_BUT_A_NAME)
        empty = set(bare.values_list("user", flat=True))
        get_user_model().objects.filter(pk__in=empty).delete()
    return len(empty), len(users) - len(empty)


def pending_users(invitations):
    """Lock the members of invitations that are still pending: none can come in meanwhile."""
    users = get_user_model().objects.filter(
        pk__in=invitations.order_by().values("user"),
        is_active=True,
        last_login=None,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
    )
    return users.order_by("email").select_for_update()


def forget_former_members() -> str:
    """Take addresses that no member has any more out of all reports; their lines stay.

    A report is kept for thirty days, and names people by no key: a member who has another address
    by now is taken out like one who was deleted. At night, and not with each deletion: to look
    through all lists for each of many members would take minutes.
    """
    forgotten = 0
    for pk in InvitationList.objects.exclude(confirmed_at=None).values_list("pk", flat=True):
        with transaction.atomic():
            # None where it was deleted since.
            for found in InvitationList.objects.select_for_update().filter(pk=pk):
                forgotten += forget_in(found)
    return f"{forgotten} former members taken out of lists"


def forget_in(found: InvitationList) -> int:
    """Take former members out of one report; return how many there were."""
    rows = judged(Row(*row) for row in found.rows)
    # As if the list came today: whoever would be invited now had an account with this address.
    gone = {each.address for each in rows if each.fate == Fate.NEW}
    if gone:
        found.rows = [
            Row(each.row.line, "", problem=FORGOTTEN) if each.address in gone else each.row
            for each in rows
        ]
        # The reason may hold their names, as in "Ada becomes Ada Lovelace".
        forgotten = [sentence(FORGOTTEN)]
        found.outcome = [
            (fate, forgotten, None) if each.address in gone else (fate, reason, user)
            for each, (fate, reason, user) in zip(rows, found.outcome, strict=False)
        ]
        found.save(update_fields=["rows", "outcome"])
    return len(gone)
