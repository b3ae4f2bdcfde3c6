"""The rule that an account has one address: verified, primary, and equal to ``user.email``.

allauth decides by its EmailAddress rows who may change an address, and takes a lone unverified one
for a change that waits for confirmation. The user model's ``save()`` therefore keeps them true.
"""

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet


def verify_address(user) -> None:
    """Make the address that was just saved the account's one verified, primary address.

    If it is a new one, the former address goes, and so does a change that waits for confirmation.
    """
    addresses = email_addresses().using(user._state.db)
    verified = addresses.filter(Q(verified=True) | Q(primary=True), user=user)
    if list(verified.values_list("email", "verified", "primary")) == [(user.email, True, True)]:
        return
    # user.email is unique: whoever else has it verified has it from before an update().
    addresses.filter(Q(user=user) | Q(email=user.email, verified=True)).delete()
    addresses.create(user=user, email=user.email, verified=True, primary=True)


def users_without_verified_address(using: str | None = None) -> QuerySet:
    """Return the pks of users whose rows break the rule, as ``bulk_create`` or ``update`` do."""
    users = get_user_model()._base_manager.using(using)
    of_user = email_addresses().filter(user=OuterRef("pk"))
    right = Q(email=OuterRef("email"), verified=True, primary=True)
    others = of_user.exclude(right).filter(Q(verified=True) | Q(primary=True))
    wrong = users.exclude(Exists(of_user.filter(right)), ~Exists(others))
    return wrong.order_by("pk").values_list("pk", flat=True)


def email_addresses() -> QuerySet:
    # By way of the relation: the user model, which needs this module, comes before allauth's.
    return get_user_model()._meta.get_field("emailaddress").related_model.objects.all()
