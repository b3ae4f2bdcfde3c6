"""The rule that an account has one address: verified, primary, and equal to ``user.email``.

allauth decides by its EmailAddress rows who may change an address, and treats a lone unverified one
as a change that waits for confirmation. So the user model's ``save()`` keeps the rows up to date.
"""

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

BATCH = 500  # rows in one query


def verify_address(user) -> None:
    """Make the address that was just saved the account's one verified, primary address.

    If it is a new one, the former address and a change that waits for confirmation are deleted.
    """
    addresses = email_addresses().using(user._state.db)
    verified = addresses.filter(user=user, verified=True)
    if list(verified.values_list("email", "verified", "primary")) == [(user.email, True, True)]:
        return
    # user.email is unique, so a verified row of another user is a leftover of an update().
    addresses.filter(Q(user=user) | Q(email=user.email, verified=True)).delete()
    addresses.create(user=user, email=user.email, verified=True, primary=True)


def verify_new_addresses(users) -> None:
    """Do the same for users who were just made with bulk_create, in a few queries."""
    addresses = email_addresses()
    for start in range(0, len(users), BATCH):
        batch = users[start : start + BATCH]
        addresses.filter(email__in=[user.email for user in batch], verified=True).delete()
        addresses.bulk_create(
            addresses.model(user=user, email=user.email, verified=True, primary=True)
            for user in batch
        )


def users_without_verified_address(using: str | None = None) -> QuerySet:
    """Return the pks of users whose rows break the rule, as after ``bulk_create`` or ``update``."""
    users = get_user_model()._base_manager.using(using)
    of_user = email_addresses().filter(user=OuterRef("pk"))
    right = Q(email=OuterRef("email"), verified=True, primary=True)
    others = of_user.exclude(right).filter(verified=True)  # allauth allows one primary row a user
    wrong = users.exclude(Exists(of_user.filter(right)), ~Exists(others))
    return wrong.order_by("pk").values_list("pk", flat=True)


def email_addresses() -> QuerySet:
    """Return all rows of allauth's EmailAddress."""
    # Found through the relation: the user model imports this module before allauth has models.
    return QuerySet(get_user_model()._meta.get_field("emailaddress").related_model)
