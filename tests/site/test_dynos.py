"""Dynos without a writable disk or with a full one, and what two of them share: R3, R4."""

import re

import psutil
import requests
from django.core.files.base import ContentFile

from profiles.models import Profile
from tests.conftest import PASSWORD
from tests.support import samples
from tests.support.dyno import eventually, run
from tests.support.served import give_a_real_password, save_profile

MEGABYTE = 1_000_000


def resume(length=0):
    return ContentFile(samples.pdf_of_size(length) if length else samples.pdf(), name="cv.pdf")


def test_nothing_but_temporary_files_is_ever_written(dyno, on_s3, member):
    """R3: the tree is read-only, as the first lines prove; a large upload goes through /tmp."""
    assert run("touch x", dyno.tree, dyno.environment).returncode != 0
    assert run("touch $TMPDIR/x && rm $TMPDIR/x", dyno.tree, dyno.environment).returncode == 0

    assert save_profile(dyno.visitor(member), resume=resume(5 * MEGABYTE)).status == 302

    assert Profile.objects.get(user=member).resume.size == 5 * MEGABYTE


def test_plain_http_is_redirected_once_whatever_a_client_says_of_itself(dyno, member):
    """H3: the router sets X-Forwarded-Proto. gunicorn refuses headers that contradict it."""
    visitor = dyno.visitor(member)
    harmless = {"X-Forwarded-Port": "443", "Front-End-Https": "on", "Forwarded": "proto=https"}
    for headers in ({}, harmless):
        answer = visitor.request("GET", "/me/", scheme="http", headers=headers)
        assert answer.status == 301
        assert answer.headers["Location"] == f"https://{visitor.host}/me/"

    for spoofed in ({"X-Forwarded-Protocol": "ssl"}, {"X-Forwarded-Ssl": "on"}):
        visitor = dyno.visitor(member)
        assert visitor.request("GET", "/me/", scheme="http", headers=spoofed).status == 400

    assert dyno.visitor(member).get("/me/").status == 200


def test_a_full_disk_is_a_plain_error(dyno, on_s3, member):
    """R3: files of 1 MB at most stand in for a full /tmp; smaller uploads do not need one."""
    visitors = [dyno.visitor(member), dyno.visitor(member)]
    limits = {worker: worker.rlimit(psutil.RLIMIT_FSIZE) for worker in dyno.workers()}

    for worker, (_, hard) in limits.items():
        worker.rlimit(psutil.RLIMIT_FSIZE, (MEGABYTE, hard))
    try:
        large = save_profile(visitors[0], resume=resume(5 * MEGABYTE))
        nothing_kept = not Profile.objects.get(user=member).resume
        small = save_profile(visitors[1], resume=resume())
    finally:
        for worker, limit in limits.items():
            worker.rlimit(psutil.RLIMIT_FSIZE, limit)

    assert large.status == 507
    assert "the fault is ours" in large.text
    assert nothing_kept
    assert eventually(lambda: not [p for p in dyno.temporary.iterdir() if p.is_file()], 2)
    assert small.status == 302


def test_two_dynos_share_sessions_and_signatures(dyno, another_dyno, on_s3, owner):
    """R4: what one has signed or begun is good at the other; A7 has the throttle."""
    give_a_real_password(owner)
    visitor, other = dyno.visitor(), another_dyno.visitor()

    assert visitor.get("/accounts/login/").status == 200
    other.cookies = visitor.cookies  # with the token of the form that the first has shown
    assert other.post("/accounts/login/", login=owner.email, password=PASSWORD).status == 302
    assert visitor.get("/me/").status == 200
    link = visitor.get(f"{owner.profile.get_absolute_url()}resume/").headers["Location"]
    assert requests.get(link, timeout=5).content == samples.pdf()

    assert visitor.post("/accounts/logout/").status == 302
    assert other.get("/me/").status == 302


def test_a_mailed_link_is_good_at_every_dyno(dyno, another_dyno, client, member, mailoutbox):
    """R4: this process, which sends the mail, is the third with the same SECRET_KEY."""
    client.post("/accounts/password/reset/", {"email": member.email})
    path = re.search(r"https?://[^/\s]+(/\S+)", mailoutbox[0].body)[1]

    assert dyno.visitor().get(path).status == 302
    assert another_dyno.visitor().get(path).status == 302
    forged = another_dyno.visitor().get(path[:-2] + "x/")
    assert (forged.status, "password" in forged.text) == (200, True)
