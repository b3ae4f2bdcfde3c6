"""The rule for which members the staff may change."""


def may_manage(staff, member) -> bool:
    """Return True if this member of the staff may change the member.

    Only superusers change staff, their own accounts included: whoever sets a colleague's address
    or password also gets the colleague's rights.
    """
    is_ordinary = member is None or not (member.is_staff or member.is_superuser)
    return is_ordinary or staff.is_superuser
