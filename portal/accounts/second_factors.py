"""Second factors: the sessions to end when they change, and their removal by the staff."""

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.models import UserSession
from django.dispatch import receiver

from .site_name import site_name


@receiver(authenticator_added)
def end_other_sessions(request, user, **kwargs):
    """End the user's other sessions: they were never asked for a factor that was just added."""
    others = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    for session in others:
        session.end()


def remove_second_factors(request, factors) -> None:
    """Delete second factors and their users' sessions: a lost phone may still be logged in.

    Recovery codes are deleted with the last other factor.
    """
    users = {factor.user for factor in factors}
    Authenticator.objects.filter(pk__in=[factor.pk for factor in factors]).delete()
    for user in users:
        left = Authenticator.objects.filter(user=user)
        if not left.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
            left.delete()
        end_other_sessions(request, user)


def tell_of_removal(user) -> None:
    """Send a user the message that the staff have removed a second factor.

    Needs a current request.
    """
    context = {"user": user, "site_name": site_name()}
    get_adapter().send_mail("account/email/second_factor_removed", user.email, context)
