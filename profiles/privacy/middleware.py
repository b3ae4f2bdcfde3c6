"""Limits somebody who is leaving to coming back, and to taking their data along."""

from django.shortcuts import redirect

from profiles.languages import ASK_NOBODY

LEAVERS_MAY = ASK_NOBODY | frozenset(
    {
        "privacy:data",
        "privacy:download",
        "privacy:stay",
        "account_logout",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "society:privacy",
        "society:imprint",
    }
)


class LeaversMiddleware:
    """Leads members who are leaving to the page about it, from every other page of the site.

    It is a list of what they may do, and not of what they may not: a new page is none of theirs.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if request.resolver_match.view_name in LEAVERS_MAY:
            return None
        if getattr(request.user, "leaves_at", None) is None:  # anonymous visitors have none
            return None
        return redirect("privacy:data")
