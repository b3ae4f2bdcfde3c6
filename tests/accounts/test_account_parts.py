"""Parts of accounts that several pages share: forms, fields, sessions, rows and messages."""

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from portal.accounts import verified_address
from portal.accounts.ended_sessions import end_sessions, remove_records
from portal.accounts.forms import ResetPasswordForm
from portal.accounts.languages import choices, language_of
from portal.accounts.passwords import LengthValidator
from portal.accounts.site_name import site_name
from profiles.models import User
from tests.accounts.test_accounts import log_in
from tests.conftest import make_member

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "name", "autocomplete"),
    [
        ("/accounts/login/", "login", "username"),
        ("/accounts/password/reset/", "email", "email"),
        ("/accounts/email/", "email", "email"),
    ],
)
def test_a_field_for_an_address_takes_whatever_is_pasted(
    client, member, address, name, autocomplete
):
    """In an input of the type email, a browser refuses what the site could correct."""
    if address == "/accounts/email/":
        client.force_login(member)

    field = client.get(address).context["form"].fields[name]

    assert field.widget.input_type == "text"
    assert field.required
    assert field.widget.attrs == {
        "inputmode": "email",
        "autocomplete": autocomplete,
        "autocapitalize": "none",
        "spellcheck": "false",
        "maxlength": "320",
    }


def test_the_log_in_asks_for_the_address_first(client):
    assert list(client.get("/accounts/login/").context["form"].fields)[:2] == ["login", "password"]


def test_a_form_for_a_reset_is_made_without_a_request_too():
    """By a command, or in a shell."""
    assert ResetPasswordForm().initial == {}
    assert ResetPasswordForm({"email": "Ada@Example.org"}).is_valid()


@pytest.mark.parametrize(
    ("typed", "is_linked"), [("", False), ("  ", False), ("a" * 254, True), ("a" * 255, False)]
)
def test_the_log_in_hands_on_an_address_that_may_be_one(client, typed, is_linked):
    page = client.post("/accounts/login/", {"login": typed, "password": "wrong"})

    assert ("reset/?email=" in page.context["form"].fields["password"].help_text) == is_linked


def test_a_field_shows_an_address_in_its_own_letters_and_a_lookup_finds_any_form(client, member):
    User.objects.filter(pk=member.pk).update(email="Anna@Müller.example")

    assert User.objects.get(pk=member.pk).email == "anna@xn--mller-kva.example"
    for typed in ("ANNA@müller.EXAMPLE", "anna@xn--mller-kva.example"):
        assert User.objects.filter(email=typed).exists()
        assert User.objects.filter(email__iexact=typed).exists()
    for nothing in ("no address", "@", ""):
        assert not User.objects.filter(email=nothing).exists()
        assert not User.objects.filter(email__iexact=nothing).exists()
    field = User._meta.get_field("email").formfield()
    assert field.prepare_value("anna@xn--mller-kva.example") == "anna@müller.example"
    assert field.prepare_value(None) is None
    assert field.clean(" Anna@MÜLLER.example ") == "anna@xn--mller-kva.example"
    with pytest.raises(ValidationError):
        User.objects.filter(pk=member.pk).update(email="no address")


@pytest.mark.parametrize(
    ("length", "code", "words"),
    [
        (11, "too_short", "too short. It must contain at least 12 characters."),
        (12, None, ""),
        (4096, None, ""),
        (4097, "too_long", "too long. It may have at most 4,096 characters."),
    ],
)
def test_a_password_has_two_limits_which_its_errors_name(settings, length, code, words):
    settings.MAX_PASSWORD_CHARACTERS = 4096
    validator, password = LengthValidator(min_length=12), "x" * length

    if code is None:
        assert validator.validate(password) is None
    else:
        with pytest.raises(ValidationError) as refused:
            validator.validate(password)
        assert refused.value.messages == [f"This password is {words}"]
        assert refused.value.code == f"password_{code}"


def test_ended_sessions_are_those_of_the_users_who_are_named(member, other_member):
    """The others are the control. Then records of sessions that have ended are removed."""
    for user in (member, other_member):
        for key in ("a", "b"):
            Session.objects.create(session_key=f"{key}{user.pk}", expire_date=timezone.now())
            UserSession.objects.create(
                user=user, session_key=f"{key}{user.pk}", ip="192.0.2.1", user_agent="x"
            )

    end_sessions([member.pk])

    left = {f"a{other_member.pk}", f"b{other_member.pk}"}
    assert set(Session.objects.values_list("session_key", flat=True)) == left
    assert set(UserSession.objects.values_list("session_key", flat=True)) == left
    Session.objects.filter(session_key__startswith="a").delete()
    assert remove_records() == "1 records removed"
    assert UserSession.objects.get().session_key == f"b{other_member.pk}"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_new_members_get_their_addresses_batch_by_batch(monkeypatch, count):
    """A leftover of one of the addresses, by an update(), is in the way of none."""
    monkeypatch.setattr(verified_address, "BATCH", 2)
    former = make_member("former@example.org")
    EmailAddress.objects.create(user=former, email=f"m{count - 1}@example.org", verified=True)
    users = User.objects.bulk_create(
        User(email=f"m{number}@example.org") for number in range(count)
    )

    verified_address.verify_new_addresses(users)

    rows = EmailAddress.objects.order_by("user").values_list("user", "email", "verified", "primary")
    assert list(rows) == [(user.pk, user.email, True, True) for user in (former, *users)]
    assert list(verified_address.users_without_verified_address()) == []


def test_users_without_an_address_of_their_own_are_named_in_order(member, other_member, staff):
    EmailAddress.objects.filter(user__in=[member, staff]).delete()

    assert list(verified_address.users_without_verified_address()) == [member.pk, staff.pk]


def test_a_message_about_an_account_is_marked_as_such(rf, member):
    """Such a one is delivered even if the account is not active (delivery.py)."""
    adapter = get_adapter(rf.get("/"))

    message = adapter.render_mail("account/email/password_changed", member.email, {"user": member})

    assert message.about_account is True
    assert message.subject == "Our society: Your password was changed"
    assert (message.to, message.from_email) == ([member.email], adapter.get_from_email())


def test_the_name_of_the_site_is_of_the_settings_or_of_a_function(settings):
    """Apps and keys list a second factor by it."""
    adapter = get_mfa_adapter()
    for source, name in (
        (f"{__name__}.named", "Named"),
        (None, "Of the settings"),
        ("", "Of the settings"),
    ):
        settings.SITE_NAME, settings.SITE_NAME_SOURCE = "Of the settings", source
        assert site_name() == adapter.get_totp_issuer() == adapter._get_site_name() == name
    del settings.SITE_NAME_SOURCE
    assert site_name() == "Of the settings"


def named():
    return "Named"


@pytest.mark.parametrize(
    ("chosen", "otherwise", "language"),
    [("de", "", "de"), ("de", "en-gb", "de"), ("", "de", "de"), ("xx", "de", "de"),
     ("", "", "en-gb"), ("", "xx", "en-gb"), ("xx", "xx", "en-gb")],
)  # fmt: skip
def test_a_language_is_the_member_s_or_the_page_s_or_the_site_s(
    settings, chosen, otherwise, language
):
    assert language_of(User(language=chosen), otherwise) == language
    assert language_of(None, otherwise) == ("de" if otherwise == "de" else "en-gb")
    assert [code for code, _ in choices()] == ["", *dict(settings.LANGUAGES)]


def test_the_admin_begins_with_the_members_in_the_site_s_words(client, staff, settings):
    client.force_login(staff)

    page = client.get("/admin/")

    labels = [app["app_label"] for app in page.context["app_list"]]
    assert labels[0] == "profiles"
    assert sorted(labels[1:]) != []
    assert page.context["site_header"] == page.context["site_title"] == site_name()
    assert page.context["title"] == "Administration"
    assert page.context["is_nav_sidebar_enabled"] is False


def test_the_log_in_of_the_admin_leads_back_to_itself_if_nothing_was_asked_for(client):
    assert client.get("/admin/login/")["Location"] == "/accounts/login/?next=/admin/login/"


def test_staff_with_a_factor_are_led_from_the_log_in_to_the_admin(client, staff, settings):
    """Without one, they are told what is missing; members are refused."""
    settings.ADMIN_NEEDS_SECOND_FACTOR = True
    client.force_login(staff)

    page = client.get("/admin/login/", follow=True)

    assert page.redirect_chain == [("/accounts/2fa/", 302)]
    assert [(each.level_tag, each.message) for each in page.context["messages"]] == [
        ("warning", "The admin asks for a second factor. Please set one up first.")
    ]
    staff.authenticator_set.create(type="totp", data={})
    assert client.get("/admin/login/")["Location"] == "/admin/"


def test_a_log_in_by_an_address_that_only_waits_opens_nothing(member, other_member):
    """Whoever asks for somebody's future address could log in to that account."""
    EmailAddress.objects.create(user=member, email="waiting@example.org")
    visitor = Client()

    assert log_in(visitor, "waiting@example.org").status_code == 200
    assert log_in(visitor, member.email).status_code == 302
    assert mail.outbox == []
