"""No message has a text that cannot be translated, and each is in its recipient's language."""

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core import mail
from django.utils import timezone
from django.utils.functional import Promise

from portal.outbox.composers import COMPOSERS, TITLES
from profiles.models import ResumeDownload, User
from tests.conftest import make_member

from .pseudo import CODE, unmarked

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TEMPLATES = settings.BASE_DIR / "templates"
PREFIXES = sorted(
    str(path.relative_to(TEMPLATES)).removesuffix("_subject.txt")
    for path in TEMPLATES.rglob("*_subject.txt")
)
GREEK = "Λ Ω"


@pytest.fixture
def reader(owner, member, pseudo):
    """A member with a Greek name who reads the pseudo language."""
    User.objects.update(language=CODE)
    for user in (owner, member):
        user.profile.name = GREEK
        user.profile.save()
    owner.leaves_at = timezone.now()
    owner.language = CODE
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    return owner


@pytest.mark.parametrize("is_more", [False, True])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_text_of_every_message_is_marked(reader, prefix, is_more):
    context = {
        "site_name": GREEK,
        "user": reader,
        "member": reader,
        "profile": reader.profile,
        "opened": ResumeDownload.objects.all(),
        "more": 2 * is_more,
        "is_hidden": is_more,
        "days": 1 + is_more,
        "since": timezone.localdate(),
        "timestamp": timezone.now(),
        "user_agent": GREEK,
    }

    message = get_adapter().render_mail(prefix, reader.email, context)

    bodies = [message.body, *(part.content for part in message.alternatives)]
    faults = [text for body in bodies for text in unmarked(body)]
    assert unmarked(message.subject.removeprefix(f"{settings.SITE_NAME}: ")) == []
    assert faults == []
    assert "⟦" in message.subject
    assert "⟦" in message.body


def test_a_message_is_in_the_language_of_who_gets_it_and_not_of_who_causes_it(
    client, pseudo, staff
):
    reader = make_member("reader@example.org", language=CODE)
    other = make_member("other@example.org", language="en-gb")
    client.force_login(staff)
    mail.outbox.clear()

    client.post(
        "/admin/profiles/user/",
        {"action": "invite_again", "_selected_action": [reader.pk, other.pk], "index": 0},
    )
    User.objects.filter(pk=staff.pk).update(language=CODE)
    client.post(
        "/admin/profiles/user/",
        {"action": "invite_again", "_selected_action": [other.pk], "index": 0},
    )

    subjects = [(message.to[0], message.subject.partition(": ")[2]) for message in mail.outbox]
    english = ("other@example.org", "Choose a new password")
    assert sorted(subjects) == [english, english, ("reader@example.org", "⟦Choose a new password⟧")]


@pytest.mark.parametrize(("chosen", "is_pseudo"), [("", True), ("en-gb", False)])
def test_who_asks_for_a_link_gets_it_in_the_language_of_the_page(
    client, pseudo, member, chosen, is_pseudo
):
    """Unless the member has chosen another one."""
    User.objects.filter(pk=member.pk).update(language=chosen)
    mail.outbox.clear()

    client.post(
        "/accounts/password/reset/", {"email": member.email}, headers={"accept-language": CODE}
    )

    assert ("⟦" in mail.outbox[0].subject) == is_pseudo


def test_a_message_about_an_own_change_is_in_the_language_of_the_page(client, pseudo, member):
    client.force_login(member)
    mail.outbox.clear()
    words = "another long enough passphrase"

    client.post(
        "/accounts/password/change/",
        {"oldpassword": "a long enough passphrase", "password1": words, "password2": words},
        headers={"accept-language": CODE},
    )

    assert "⟦" in mail.outbox[0].subject


def test_every_kind_of_message_has_a_title_that_can_be_translated():
    titles = {
        kind: TITLES[kind]
        for kind, composer in COMPOSERS.items()
        if composer.__module__.startswith(("portal.", "profiles."))
    }

    assert titles
    assert [kind for kind, title in titles.items() if not isinstance(title, Promise)] == []
