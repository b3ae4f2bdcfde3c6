"""Invitations: links with which a new member chooses a password, and is logged in.

They are valid for INVITATION_DAYS, longer than password resets. So their keys are of another kind:
neither view accepts the keys of the other.
"""

from datetime import timedelta

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordKeyForm
from allauth.account.utils import perform_login, url_str_to_user_pk, user_pk_to_url_str
from allauth.decorators import rate_limit
from allauth.utils import get_form_class
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

SESSION_KEY = "invitation"


def invitation_url(user, base_url: str) -> str:
    """Return a link with a new key; `base_url` is such as https://portal.example.org."""
    uid = user_pk_to_url_str(user)
    key = signer_for(user).sign(uid).removeprefix(f"{uid}:")
    return base_url.rstrip("/") + reverse("open-invitation", args=[uid, key])


def signer_for(user) -> TimestampSigner:
    """Return a signer whose keys end when the password, the last log-in or the address changes.

    So a key works once, and one that was sent to a former address does not work.
    """
    return TimestampSigner(salt=f"invitation:{user.password}:{user.last_login}:{user.email}")


def invited_user(uid: str, key: str, *, lock: bool = False):
    """Return the user whom this key invites; with `lock`, the row is locked until the commit.

    Raises SignatureExpired if the key is older than INVITATION_DAYS, and its parent BadSignature if
    the key was never valid or has been used, or the user may not log in.
    """
    users = get_user_model().objects.filter(is_active=True)
    try:
        pk = url_str_to_user_pk(uid)
    except ValueError as error:
        raise BadSignature("No number of a user") from error
    user = (users.select_for_update() if lock else users).filter(pk=pk).first()
    if user is None:
        raise BadSignature("No active user has this number")
    max_age = timedelta(days=settings.INVITATION_DAYS)
    signer_for(user).unsign(f"{uid}:{key}", max_age=max_age)
    return user


@require_safe
@never_cache
def open_invitation(request, uid, key):
    """Move the key from the address into the session: history and referrers must not keep it.

    A program that follows links in e-mails gets no further than this, and does not use up the key.
    """
    try:
        invited_user(uid, key)
    except BadSignature as error:
        return refuse(request, error)
    request.session[SESSION_KEY] = key
    return redirect("accept-invitation", uid)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@rate_limit(action="reset_password_from_key")
def accept_invitation(request, uid):
    """Let the invited person choose a password, then log the new member in."""
    key = request.session.get(SESSION_KEY, "")
    if not key and request.user.is_authenticated:
        return redirect("home")  # the Back button, after the password was set
    is_post = request.method == "POST"
    with transaction.atomic():  # of two submissions at once, the later one finds the key used
        try:
            user = invited_user(uid, key, lock=is_post)
        except BadSignature as error:
            return refuse(request, error)
        form_class = get_form_class(
            app_settings.FORMS, "reset_password_from_key", ResetPasswordKeyForm
        )
        form = form_class(request.POST if is_post else None, user=user, temp_key=key)
        if not form.is_valid():
            context = {"form": form, "invited": user}
            return render(request, "account/invitation.html", context)
        form.save()
    get_adapter().logout(request)  # of whoever was here: the member gets a new session
    return perform_login(request, user)  # asks for the second factor where there is one


def refuse(request, error: BadSignature):
    """Render the page that explains why a link does not work, and how to get a new one."""
    context = {
        "is_expired": isinstance(error, SignatureExpired),
        "days": settings.INVITATION_DAYS,
    }
    return render(request, "account/invitation_refused.html", context, status=410)
