"""Requests while PostgreSQL fails: catalogue D, with gunicorn's processes."""

import contextlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from portal.files.storages import protected_media
from portal.postgresql.base import CANCEL_SECONDS
from profiles.models import Profile, ResumeDownload, StoredUpload
from tests.conftest import PASSWORD, settings_for
from tests.support import samples
from tests.support.deployed import ENVIRONMENT
from tests.support.dyno import eventually
from tests.support.served import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    THREADS,
    WORKERS,
    give_a_real_password,
    save_profile,
)

ROUTER_SECONDS = 20  # of the 30 that Heroku's router waits for
SORRY = "The database cannot do this just now"


def test_the_site_gives_up_its_database_well_before_the_router_gives_up_the_site():
    """D3: with its own figures, which the tests below have no time for."""
    options = settings_for(ENVIRONMENT)["DATABASES"]["default"]["OPTIONS"]

    check, connect = options["answer_timeout"] + CANCEL_SECONDS, options["connect_timeout"]
    assert check + connect <= ROUTER_SECONDS


def end_connections(cursor) -> int:
    """End the dyno's connections to the test's database; returns how many there were."""
    cursor.execute(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'dyno'"
    )
    return cursor.fetchone()[0]


def look(visitors) -> list:
    """Return the answers to all of them, at once, on a page that needs the database."""
    with ThreadPoolExecutor(len(visitors)) as pool:
        return list(pool.map(lambda visitor: visitor.get("/me/"), visitors))


def test_a_dyno_that_starts_before_its_database_recovers(dyno):
    """D1: alive, not ready, and ready without a restart once the database is there."""
    before = dyno.answers_without_database

    assert before["/healthz"].status == 200
    assert (before["/readyz"].status, before["/"].status) == (503, 503)
    assert SORRY in before["/"].text

    for path in ("/healthz", "/readyz", "/"):
        assert dyno.visitor().get(path).status == 200
    assert {process.pid for process in dyno.workers()} == dyno.first_workers


def test_connections_that_were_ended_meanwhile_are_made_again(dyno, member):
    """D2: as by a restart of the database between two requests."""
    visitors = [dyno.visitor(member) for _ in range(WORKERS * THREADS)]
    look(visitors)

    with connection.cursor() as cursor:
        assert end_connections(cursor)
    answers = look(visitors)

    assert {answer.status for answer in answers} == {200}


def test_a_frozen_database_holds_no_thread(dyno, member, database_line):
    """D3: each request is answered in time, and its thread is there for the next."""
    visitors = [dyno.visitor(member) for _ in range(WORKERS * THREADS)]
    look(visitors)

    with database_line.frozen():
        began = time.monotonic()
        answers = look(visitors)
        seconds = time.monotonic() - began
        alive = dyno.visitor().get("/healthz")
    recovered = look(visitors)

    assert {answer.status for answer in answers} == {503}
    assert SORRY in answers[0].text
    one_answer = ANSWER_SECONDS + CANCEL_SECONDS + CONNECT_SECONDS
    assert seconds < 2 * one_answer + 2  # two, for visitors may share a thread
    assert alive.status == 200
    assert {answer.status for answer in recovered} == {200}


def test_a_query_that_waits_too_long_is_cancelled(dyno, member):
    """D3: so that queries that nobody waits for do not pile up at a lock."""
    visitor = dyno.visitor(member)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE profiles_profile")
        answer = visitor.get("/me/")

        def nobody_waits() -> bool:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return cursor.fetchone()[0] == 0

        assert answer.status == 503
        assert eventually(nobody_waits, 5)  # the server notices a moment later


def test_a_transaction_that_the_database_ends_saves_nothing(dyno, on_s3, owner, monkeypatch):
    """D4: the row is as it was; the upload that it would have named is for sweep_media."""
    visitor, old, before = dyno.visitor(owner), owner.profile.resume.name, stored()
    visitor.get("/me/edit/")
    resume = ContentFile(samples.pdf(), name="cv.pdf")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE profiles_profile IN EXCLUSIVE MODE")  # reads are free
            saving = pool.submit(save_profile, visitor, name="Anew", resume=resume)

            def waits() -> bool:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                return cursor.fetchone()[0] == 1

            assert eventually(waits, 10, every=0.01)
            assert end_connections(cursor)
        answer = saving.result()

    assert answer.status == 503
    assert SORRY in answer.text
    profile = Profile.objects.get(pk=owner.profile.pk)
    assert (profile.name, profile.resume.name) == ("Mary Somerville", old)
    StoredUpload.objects.all().delete()
    tomorrow = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    call_command("sweep_media", delete=True, stdout=io.StringIO())
    assert stored() == before


def stored() -> list[str]:
    """The names of the resumes that S3 holds."""
    return [f"resumes/{name}" for name in protected_media().listdir("resumes")[1]]


@contextlib.contextmanager
def read_only():
    """The database as a standby is: whoever connects from now on can read, and not write."""
    with connection.cursor() as cursor:
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        end_connections(cursor)
        try:
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
            end_connections(cursor)


def test_a_database_that_cannot_be_written_is_still_read(dyno, owner, member):
    """D5: pages are 200; what would write says so, and has not half done it."""
    visitor, page = dyno.visitor(member), owner.profile.get_absolute_url()
    reads = ["/", "/members/", page, "/me/", "/me/edit/", "/accounts/login/", "/readyz"]

    with read_only():
        read = {path: visitor.get(path).status for path in reads}
        opened = visitor.get(f"{page}resume/")
        saved = save_profile(visitor, name="Anew")

    assert read == dict.fromkeys(reads, 200) | {"/accounts/login/": 302}
    assert (opened.status, saved.status) == (503, 503)
    assert SORRY in opened.text
    assert SORRY in saved.text
    assert not ResumeDownload.objects.exists()
    assert Profile.objects.get(user=member).name == "Ada Lovelace"
    assert visitor.get(f"{page}resume/").status == 302


def test_nobody_is_called_an_attacker_by_a_database_that_cannot_be_written(dyno, member):
    """D5: where attempts at logging in cannot be counted, nobody logs in, and is told why."""
    give_a_real_password(member)
    visitor = dyno.visitor()

    with read_only():
        answer = visitor.post("/accounts/login/", login=member.email, password=PASSWORD)

    assert answer.status == 503
    assert SORRY in answer.text
