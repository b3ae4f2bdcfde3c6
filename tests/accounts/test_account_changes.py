"""Requests that change an account save the change and its message together, or neither."""

from types import SimpleNamespace

import pytest
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.db import transaction
from django.http import HttpResponse

from portal.accounts.middleware import AtomicAccountsMiddleware
from profiles.models import User
from tests.conftest import make_member

pytestmark = pytest.mark.django_db(transaction=True)


def handled(rf, name, method="POST", *, error=None) -> list:
    """Handle a request to a page; return whether its view has run in a transaction."""
    seen = []

    def get_response(request):
        middleware.process_view(request, None, (), {})
        seen.append(transaction.get_connection().in_atomic_block)
        make_member(f"{method}-{name.replace(':', '-')}@example.org".lower().replace("_", "-"))
        if error:
            middleware.process_exception(request, error)
        return HttpResponse()

    middleware = AtomicAccountsMiddleware(get_response)
    request = rf.generic(method, "/")
    request.resolver_match = SimpleNamespace(view_name=name)
    assert middleware(request).status_code == 200
    assert not transaction.get_connection().in_atomic_block
    return seen


def test_changes_are_posted_to_pages_of_an_account_that_are_no_log_in(rf):
    changes = [
        "account_email",
        "account_change_password",
        "mfa_activate_totp",
        "mfa_remove_webauthn",
    ]
    others = ["account_login", "account_reauthenticate", "mfa_authenticate", "mfa_reauthenticate",
              "me", "admin:index", "edit-me", "usersessions_list"]  # fmt: skip

    assert [handled(rf, name) for name in changes] == [[True]] * len(changes)
    assert [handled(rf, name) for name in others] == [[False]] * len(others)
    assert [handled(rf, name, "GET") for name in changes] == [[False]] * len(changes)
    assert User.objects.count() == 2 * len(changes) + len(others)


@pytest.mark.parametrize(
    ("error", "is_saved"),
    [
        (None, True),
        (ImmediateHttpResponse(HttpResponse()), True),
        (ReauthenticationRequired(), True),
        (RuntimeError("ours"), False),
    ],
    ids=["none", "an answer", "a question", "a fault"],
)
def test_a_fault_takes_the_change_back_and_an_answer_does_not(rf, error, is_saved):
    """allauth's views raise some of their answers."""
    handled(rf, "account_email", error=error)

    assert User.objects.exists() == is_saved
