"""Which members the staff may change."""


def may_manage(staff, member) -> bool:
    """Return True if this member of the staff may change the member.

    Staff are changed by superusers alone, themselves included: with a colleague's address or
    password go the colleague's rights.
    """
    is_ordinary = member is None or not (member.is_staff or member.is_superuser)
    return is_ordinary or staff.is_superuser
