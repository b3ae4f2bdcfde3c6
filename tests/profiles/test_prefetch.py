"""Requests of browsers before anybody clicks: they open no resume, and nothing is recorded."""

import pytest

from profiles.models import ResumeDownload

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def resume_of(owner) -> str:
    return f"/members/{owner.profile.pk}/resume/"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Purpose": "prefetch;anonymous-client-ip"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
        {"Purpose": "Prefetch"},
        {"Sec-Purpose": "PRERENDER"},
    ],
    ids=str,
)
def test_a_prefetch_is_sent_nowhere_and_recorded_nowhere(client, member, owner, headers):
    """S13: a refusal is kept by no browser, so that the click asks again."""
    client.force_login(member)

    answer = client.get(resume_of(owner), headers=headers)

    assert answer.status_code == 403
    assert (answer["Content-Type"], answer.text) == ("text/plain", "Only a click opens this.\n")
    assert "Location" not in answer
    assert "no-store" in answer["Cache-Control"]
    assert not ResumeDownload.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": ""}, {"Purpose": "navigate"}], ids=str)
def test_the_click_after_it_is_recorded(client, member, owner, headers):
    """S13: the control."""
    client.force_login(member)
    client.get(resume_of(owner), headers={"Sec-Purpose": "prefetch"})

    assert client.get(resume_of(owner), headers=headers).status_code == 302
    assert ResumeDownload.objects.filter(member=member).count() == 1


def test_a_prefetch_tells_a_visitor_nothing(client, owner):
    """Z2: the same refusal as to a click."""
    clicked = client.get(resume_of(owner))
    prefetched = client.get(resume_of(owner), headers={"Sec-Purpose": "prefetch"})

    assert prefetched.status_code == clicked.status_code == 403
    assert prefetched.content == clicked.content
