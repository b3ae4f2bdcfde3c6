"""The pages on which a member changes the address, in place of allauth's.

allauth's pages treat a lone unverified address as the present one, confirm an address for anyone
who has the link, and log out a member who opens somebody else's link.
"""

from allauth.account import app_settings
from allauth.account.decorators import reauthentication_required
from allauth.account.models import get_emailconfirmation_model
from allauth.core import ratelimit
from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .address_change import (
    AddressTaken,
    ChangeEnded,
    ask_for_change,
    confirm_change,
    is_taken,
    keep_address,
    waiting_change,
)
from .email_address import shown
from .forms import ChangeAddressForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limit(action="manage_email")
def change_address(request):
    """Show the present address and the one that waits; accept a new one, or cancel the change."""
    if "action_remove" in request.POST:
        return keep(request)
    pending = waiting_change(request.user)
    if "action_send" in request.POST:
        return write_to(request, pending.email) if pending else redirect("account_email")
    form = ChangeAddressForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        return ask(request, form.cleaned_data["email"])
    context = {
        "form": form,
        "new_address": pending and shown(pending.email),
        "days": app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS,
    }
    return render(request, "account/email_change.html", context)


@reauthentication_required
def ask(request, email):
    """Ask for the password again, then send a link to the new address."""
    return write_to(request, email)


def write_to(request, email):
    """Send a link to the new address, unless several have been sent there just now."""
    if ratelimit.consume(request, action="confirm_email", key=f"{request.user.pk}:{email}"):
        ask_for_change(request, email)
        words = _("A link is on its way to %(address)s.")
        messages.success(request, words % {"address": shown(email)})
    else:
        words = _(
            "We have written to %(address)s several times just now. Please look among the unwanted "
            "mail there, or try again in five minutes."
        )
        messages.error(request, words % {"address": shown(email)})
    return redirect("account_email")


def keep(request):
    """Cancel the change that waits."""
    if keep_address(request.user):
        words = _("You keep %(address)s.")
        messages.success(request, words % {"address": request.user.shown_email})
    return redirect("account_email")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request, key):
    """Let a member confirm a new address by a button: programs that scan e-mail follow links.

    The link alone is not enough: if the address was mistyped, somebody else has received it.
    """
    confirmation = get_emailconfirmation_model().from_key(key)
    pending = confirmation and confirmation.email_address
    if not pending or not pending.user.is_active:
        return confirmation_page(request, "ended", refusal=404)
    if not request.user.is_authenticated:
        if request.method == "POST":
            return redirect_to_login(request.path)
        return confirmation_page(request, "log_in", pending)
    if pending.user_id != request.user.pk:
        return confirmation_page(request, "not_yours", pending, refusal=403)
    if request.method == "POST":
        return confirm(request, pending)
    return confirmation_page(request, "taken" if is_taken(pending) else "confirm", pending)


def confirm(request, pending):
    """Confirm the new address, or show why that is not possible."""
    try:
        user = confirm_change(request, pending)
    except ChangeEnded:
        return confirmation_page(request, "ended", refusal=404)
    except AddressTaken:
        return confirmation_page(request, "taken", pending, refusal=409)
    words = _("From now on you log in with %(address)s.")
    messages.success(request, words % {"address": user.shown_email})
    return redirect("account_email")


def confirmation_page(request, state, pending=None, *, refusal=None):
    """Render the page of a confirmation link; `refusal` is the status if this is a POST."""
    context = {"state": state, "new_address": pending and shown(pending.email)}
    status = refusal if request.method == "POST" else None
    return render(request, "account/email_confirm.html", context, status=status)
