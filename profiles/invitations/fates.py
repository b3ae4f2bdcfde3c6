"""Decides what becomes of each row of a list, before anything is written and while it is."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.email_address import canonical, shown
from portal.sentences import stored
from portal.sentences.stored import Sentence, sentence
from profiles.models import Profile

from .reading import Row

BATCH = 500  # addresses in one query
DONE = {"new": _("invited"), "changed": _("got another name")}  # once the list is confirmed


class Fate(TextChoices):
    """The ends that a row can come to."""

    NEW = "new", _("will be invited")
    CHANGED = "changed", _("gets another name")
    INVITED = "invited", _("was invited before")
    EXISTS = "exists", _("is a member already")
    TWICE = "twice", _("is in the list twice")
    REFUSED = "refused", _("cannot be invited")


class Reason:
    """The sentences that say why; the errors of a row that is refused are not among them."""

    LINE = _("Line %(line)s has this address.")
    INACTIVE = _("%(name)s, whose account is not active.")
    KEPT = _("%(name)s keeps what is there.")
    RENAMED = _("Invited before, and has not come. %(old)s becomes %(new)s.")
    NAMED = _("Invited before, and has not come. The name becomes %(new)s.")
    PENDING = _("Has not come yet. A new link can be sent from the pending invitations.")
    NOT_PENDING = _("Has not come yet. A new link can be sent from the list of members.")


class Judged(NamedTuple):
    """A row, what becomes of it, and the sentence that says why."""

    row: Row
    fate: str
    reason: list[Sentence] | str = []  # a text, if a former release has recorded it
    address: str = ""  # in canonical form
    name: str = ""
    user: int | None = None  # the member who has the address
    is_done: bool = False

    @property
    def fate_label(self) -> str:
        return label(self.fate, is_done=self.is_done)

    @property
    def why(self) -> str:
        """The reason in the active language."""
        if self.fate == Fate.REFUSED:
            return " ".join(errors_of(self.row))
        return stored.shown(self.reason)

    @property
    def shown_address(self) -> str:
        return shown(self.address) if self.address else self.row.address


def label(fate: str, *, is_done: bool) -> str:
    """Say what becomes of a row, or what became of it."""
    return str((is_done and DONE.get(fate)) or Fate(fate).label)


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
    try:
        return Judged(row, Fate.NEW, [], *address_and_name(row))
    except ValidationError:
        return Judged(row, Fate.REFUSED)


def address_and_name(row: Row) -> tuple[str, str]:
    """Return the address in canonical form, and the name. Raises ValidationError."""
    if row.problem:
        raise ValidationError(gettext(row.problem))
    return canonical(row.address), Profile._meta.get_field("name").clean(row.name, None)


def errors_of(row: Row) -> list[str]:
    """Return what is wrong with a row, in the active language."""
    try:
        address_and_name(row)
    except ValidationError as error:
        return error.messages
    return []


def first_of_each(rows: Iterable[Judged]) -> Iterator[Judged]:
    """Pass on each address once; later rows with it are told which line has it."""
    lines: dict[str, int] = {}
    for each in rows:
        if each.fate == Fate.NEW and each.address in lines:
            reason = [sentence(Reason.LINE, line=lines[each.address])]
            yield each._replace(fate=Fate.TWICE, reason=reason)
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
    if not user.is_active:
        fate, reason = Fate.EXISTS, sentence(Reason.INACTIVE, name=name or user)
    elif user.last_login or user.has_usable_password() or user.is_staff or user.is_superuser:
        fate, reason = Fate.EXISTS, sentence(Reason.KEPT, name=name or user)
    elif each.name and each.name != name:
        text = Reason.RENAMED if name else Reason.NAMED
        fate, reason = Fate.CHANGED, sentence(text, old=name, new=each.name)
    else:
        text = Reason.PENDING if hasattr(user, "invitation") else Reason.NOT_PENDING
        fate, reason = Fate.INVITED, sentence(text)
    return each._replace(user=user.pk, fate=fate, reason=[reason])
