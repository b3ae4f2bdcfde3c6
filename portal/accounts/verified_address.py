"""The rule that an account has one address: verified, primary, and equal to ``user.email``.

allauth decides by its EmailAddress rows who may change an address, and treats a lone unverified one
as a change that waits for confirmation. So the user model's ``save()`` keeps the rows up to date.
"""

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet


def verify_address(user) -> None:
    """Make the address that was just saved the account's one verified, primary address.

    If it is a new one, the former address and a change that waits for confirmation are deleted.
    """
    addresses = email_addresses().using(user._state.db)
    verified = addresses.filter(Q(verified=True) | Q(primary=True), user=user)
    if list(verified.values_list("email", "verified", "primary")) == [(user.email, True, True)]:
        return
    # user.email is unique, so a verified row of another user is a leftover of an update().
    addresses.filter(Q(user=user) | Q(email=user.email, verified=True)).delete()
    addresses.create(user=user, email=user.email, verified=True, primary=True)


def users_without_verified_address(using: str | None = None) -> QuerySet:
    """Return the pks of users whose rows break the rule, as after ``bulk_create`` or ``update``."""
    users = get_user_model()._base_manager.using(using)
    of_user = email_addresses().filter(user=OuterRef("pk"))
    right = Q(email=OuterRef("email"), verified=True, primary=True)
    others = of_user.exclude(right).filter(Q(verified=True) | Q(primary=True))
    wrong = users.exclude(Exists(of_user.filter(right)), ~Exists(others))
    return wrong.order_by("pk").values_list("pk", flat=True)


def email_addresses() -> QuerySet:
    """Return all rows of allauth's EmailAddress."""
    # Found through the relation: the user model imports this module before allauth has models.
    return QuerySet(get_user_model()._meta.get_field("emailaddress").related_model)
