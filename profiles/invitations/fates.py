"""Decides what becomes of each row of a list, before anything is written and while it is."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import TextChoices

from portal.accounts.email_address import canonical, shown
from profiles.models import Profile

from .reading import Row

BATCH = 500  # addresses in one query
DONE = {"new": "invited", "changed": "got another name"}  # once the list is confirmed


class Fate(TextChoices):
    """The ends that a row can come to."""

    NEW = "new", "will be invited"
    CHANGED = "changed", "gets another name"
    INVITED = "invited", "was invited before"
    EXISTS = "exists", "is a member already"
    TWICE = "twice", "is in the list twice"
    REFUSED = "refused", "cannot be invited"


class Judged(NamedTuple):
    """A row, what becomes of it, and a sentence that says why."""

    row: Row
    fate: str
    why: str
    address: str = ""  # in canonical form
    name: str = ""
    user: int | None = None  # the member who has the address
    is_done: bool = False

    @property
    def fate_label(self) -> str:
        return label(self.fate, is_done=self.is_done)

    @property
    def shown_address(self) -> str:
        return shown(self.address) if self.address else self.row.address


def label(fate: str, *, is_done: bool) -> str:
    """Say what becomes of a row, or what became of it."""
    return (is_done and DONE.get(fate)) or Fate(fate).label


def judged(rows: Iterable[Row], *, lock: bool = False) -> list[Judged]:
    """Decide about all rows, with one query for each BATCH of them.

    With `lock`, the members found are locked until the commit.
    """
    read = list(first_of_each(map(readable, rows)))
    members = holders([each.address for each in read if each.fate == Fate.NEW], lock=lock)
    return [
        against(each, members[each.address])
        if each.fate == Fate.NEW and each.address in members
        else each
        for each in read
    ]


def readable(row: Row) -> Judged:
    """Judge a row alone: its address and name by the rules that hold everywhere."""
    if row.problem:
        return Judged(row, Fate.REFUSED, row.problem)
    try:
        address = canonical(row.address)
        name = Profile._meta.get_field("name").clean(row.name, None)
    except ValidationError as error:
        return Judged(row, Fate.REFUSED, " ".join(error.messages))
    return Judged(row, Fate.NEW, "", address, name)


def first_of_each(rows: Iterable[Judged]) -> Iterator[Judged]:
    """Pass on each address once; later rows with it are told which line has it."""
    lines: dict[str, int] = {}
    for each in rows:
        if each.fate == Fate.NEW and each.address in lines:
            why = f"Line {lines[each.address]} has this address."
            yield each._replace(fate=Fate.TWICE, why=why)
            continue
        lines[each.address] = each.row.line
        yield each


def holders(addresses: list[str], *, lock: bool) -> dict:
    """Return the members who have these addresses, with their profiles, by address."""
    User, found = get_user_model(), {}
    users = User.objects.select_related("profile", "invitation").order_by("email")
    if lock:
        users = users.select_for_update(of=("self",))
    addresses = sorted(addresses)
    for start in range(0, len(addresses), BATCH):
        for user in users.filter(email__in=addresses[start : start + BATCH]):
            found[user.email] = user
    return found


def against(each: Judged, user) -> Judged:
    """Judge a row whose address a member has: only a name that the staff gave may change."""
    name = user.profile.name
    each = each._replace(user=user.pk)
    if not user.is_active:
        return each._replace(fate=Fate.EXISTS, why=f"{name or user}, whose account is not active.")
    if user.last_login or user.has_usable_password() or user.is_staff or user.is_superuser:
        return each._replace(fate=Fate.EXISTS, why=f"{name or user} keeps what is there.")
    if each.name and each.name != name:
        was = f"{name} becomes {each.name}." if name else f"The name becomes {each.name}."
        return each._replace(fate=Fate.CHANGED, why=f"Invited before, and has not come. {was}")
    where = "the pending invitations" if hasattr(user, "invitation") else "the list of members"
    why = f"Has not come yet. A new link can be sent from {where}."
    return each._replace(fate=Fate.INVITED, why=why)
