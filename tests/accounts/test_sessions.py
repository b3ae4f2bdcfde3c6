"""Sessions: read by plain SQL, with Django's own rules."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

pytestmark = pytest.mark.django_db


def test_an_expired_session_logs_nobody_in(client, member):
    """The control: the same session a moment before it expires."""
    client.force_login(member)
    sessions = Session.objects.filter(pk=client.cookies["sessionid"].value)

    sessions.update(expire_date=timezone.now() + timedelta(seconds=30))
    assert client.get("/me/").status_code == 200

    sessions.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/me/").status_code == 302


def test_a_session_that_was_changed_is_empty(client, member):
    """Its data is signed."""
    client.force_login(member)
    sessions = Session.objects.filter(pk=client.cookies["sessionid"].value)
    sessions.update(session_data="x" + sessions.get().session_data)

    assert client.get("/me/").status_code == 302


def test_reading_a_session_is_one_query(client, member, django_assert_num_queries):
    client.force_login(member)

    with django_assert_num_queries(1):
        assert client.session["_auth_user_id"] == str(member.pk)
