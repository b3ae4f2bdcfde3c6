"""Bring every e-mail address into its canonical form, and every user's EmailAddress with it.

Accounts that could not both keep their addresses stop the migration before anything is changed.
"""

from collections import defaultdict

from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import migrations

from portal.accounts.email_address import canonical

BATCH = 1000


def mend_addresses(apps, schema_editor):
    """Plan, refuse what cannot be decided here, and only then write."""
    using = schema_editor.connection.alias
    users = apps.get_model("profiles", "User").objects.using(using)
    stored = dict(users.order_by("pk").values_list("pk", "email"))
    wanted = {pk: canonical_or_none(email) for pk, email in stored.items() if email}
    refuse_undecided(wanted)
    for pk in (pk for pk, email in stored.items() if not email):
        recovered = recover(apps, using, pk, taken=set(wanted.values()))
        if recovered:
            wanted[pk] = recovered
            print(f"\n    User {pk} had lost the address; the one that was vouched for is back.", end="")
        else:
            print(f"\n    User {pk} has lost the address: give one in the admin.", end="")
    for pk, email in wanted.items():
        if email != stored[pk]:
            users.filter(pk=pk).update(email=email)
    mend_rows(apps.get_model("account", "EmailAddress").objects.using(using), wanted)


def canonical_or_none(email):
    try:
        return canonical(email)
    except ValidationError:
        return None


def refuse_undecided(wanted):
    """Raise CommandError if two users share an address, or one has an impossible one."""
    users_of = defaultdict(list)
    for pk, email in wanted.items():
        users_of[email].append(pk)
    impossible = users_of.pop(None, [])
    sharing = [pks for pks in users_of.values() if len(pks) > 1]
    lines = [f"Users {' and '.join(map(str, pks))} have the same e-mail address." for pks in sharing]
    lines += [f"User {pk} has an e-mail address that nothing can be sent to." for pk in impossible]
    if lines:
        raise CommandError(
            "Nothing was changed.\n  "
            + "\n  ".join(lines)
            + "\nAddresses are now compared without capitals, invisible characters and the different"
            " ways to write a domain, so that one mailbox has one account. Decide which of the users"
            " keeps the address (by pk, in the admin of the version that is running), give the others"
            " another one or delete them, and migrate again."
        )


def recover(apps, using, pk, taken):
    """Return the address that somebody last vouched for, for a user who has lost it, or None.

    An address that is verified was confirmed by its owner; one in the admin's log was there when
    staff last saved the account. An unverified one may be a slip of the pen, and is not taken.
    """
    addresses = apps.get_model("account", "EmailAddress").objects.using(using)
    entries = apps.get_model("admin", "LogEntry").objects.using(using)
    verified = addresses.filter(user_id=pk, verified=True).order_by("-primary", "-pk")
    logged = entries.filter(
        content_type__app_label="profiles", content_type__model="user", object_id=str(pk)
    ).order_by("-action_time", "-pk")
    candidates = [
        *verified.values_list("email", flat=True),
        *logged.values_list("object_repr", flat=True),
    ]
    return next((c for c in map(canonical_or_none, candidates) if c and c not in taken), None)


def mend_rows(addresses, wanted):
    """Give each user one verified, primary row; keep the newest change that waits, if any."""
    right, waiting, wrong = set(), {}, []
    columns = ["pk", "user_id", "email", "verified", "primary"]
    for pk, user, email, verified, primary in addresses.order_by("pk").values_list(*columns):
        address = canonical_or_none(email)
        if (email, verified, primary) == (wanted.get(user), True, True):
            right.add(user)
        elif verified or address in {None, wanted.get(user)}:
            wrong.append(pk)
        else:
            wrong += [waiting[user][0]] if user in waiting else []
            waiting[user] = pk, address
    for start in range(0, len(wrong), BATCH):
        addresses.filter(pk__in=wrong[start : start + BATCH]).delete()
    for pk, address in waiting.values():
        addresses.filter(pk=pk).update(email=address, primary=False)
    addresses.bulk_create(
        (
            addresses.model(user_id=pk, email=email, verified=True, primary=True)
            for pk, email in wanted.items()
            if pk not in right
        ),
        batch_size=BATCH,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0002_index_what_is_new"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(mend_addresses, migrations.RunPython.noop)]
