"""More uploads at once than a dyno can work on: catalogue L3, L4."""

import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.test.client import BOUNDARY, encode_multipart

from portal.files.storages import protected_media
from profiles.models import StoredUpload
from tests.support import samples
from tests.support.dyno import eventually
from tests.support.served import send

MEGABYTE = 1_000_000
UPLOADS = 40
ANSWER_SECONDS = 15  # L4; half of what Heroku's router waits for
BUSY_SECONDS = 5  # of a machine that does other things, too
MOST_GROWTH = 20  # MB, of a worker


def a_photo() -> bytes:
    """24 megapixels, as a camera sends them."""
    return samples.jpeg((6000, 4000), quality=95)


def a_resume() -> bytes:
    return samples.pdf_of_size(10 * MEGABYTE)


def form_with(visitor, content: bytes, name: str) -> bytes:
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', visitor.get("/me/edit/").text)[1]
    fields = {"csrfmiddlewaretoken": token, "file": ContentFile(content, name=name)}
    return encode_multipart(BOUNDARY, fields)


def uploaders(dyno, member, content: bytes, purpose: str, number: int) -> list:
    """Functions that each send the same file; they return the answer and how long it took."""
    visitors = [dyno.visitor(member) for _ in range(number)]
    body = form_with(visitors[0], content, f"file-{purpose}")
    for visitor in visitors[1:]:
        visitor.cookies = dict(visitors[0].cookies)

    def upload(visitor):
        began = time.monotonic()
        # The length of a file object is not its own: http.client would send it in chunks.
        headers = {"Content-Length": str(len(body))}
        answer = send(visitor, f"/me/uploads/{purpose}/", io.BytesIO(body), **headers)
        return answer, time.monotonic() - began

    return [lambda visitor=visitor: upload(visitor) for visitor in visitors]


def peak_megabytes(dyno) -> list[float]:
    """The most memory that each of the workers has ever had."""
    peaks = [Path(f"/proc/{worker.pid}/status").read_text() for worker in dyno.workers()]
    return [int(re.search(r"VmHWM:\s+(\d+)", peak)[1]) / 1024 for peak in peaks]


@pytest.mark.parametrize(("make", "purpose"), [(a_resume, "resume"), (a_photo, "avatar")])
def test_of_forty_uploads_at_once_some_are_stored_and_the_rest_is_told(
    dyno, on_s3, member, make, purpose
):
    """L3: pages are served meanwhile, what is accepted is stored, and no worker grows."""
    looker, content = dyno.visitor(member), make()
    for [upload] in [uploaders(dyno, member, content, purpose, 1) for _ in range(4)]:
        assert upload()[0].status == 201  # the control; and what a worker imports is imported
    before, seen = max(peak_megabytes(dyno)), []

    with ThreadPoolExecutor(UPLOADS) as pool:
        uploads = uploaders(dyno, member, content, purpose, UPLOADS - 4)
        answers = [pool.submit(upload) for upload in uploads]
        while not all(answer.done() for answer in answers):
            seen += [looker.get(page).status for page in ("/healthz", "/me/")]
    statuses = [answer.result()[0].status for answer in answers]
    busy = [answer.result()[0] for answer in answers if answer.result()[0].status == 503]

    assert set(statuses) == {201, 503}
    assert {answer.headers["Retry-After"] for answer in busy} == {"20"}
    assert "We are busy" in busy[0].text
    assert set(seen) == {200}
    rows = StoredUpload.objects.filter(owner=member)
    assert rows.count() == statuses.count(201) + 4
    names = {f"{purpose}s/{name}" for name in protected_media().listdir(f"{purpose}s")[1]}
    assert {row.file.name for row in rows} <= names
    assert max(peak_megabytes(dyno)) - before < MOST_GROWTH


def test_a_frozen_s3_holds_no_page(dyno, on_s3, member, s3_line):
    """L4: eight uploads wait for it, and are answered in time; nothing of them is stored."""
    looker = dyno.visitor(member)
    uploads = uploaders(dyno, member, samples.pdf(), "resume", 8)

    with ThreadPoolExecutor(len(uploads)) as pool, s3_line.frozen():
        calls = s3_line.calls
        answers = [pool.submit(upload) for upload in uploads]
        assert eventually(lambda: s3_line.calls > calls, 10)
        seen = [looker.get(page).status for page in ("/healthz", "/me/") * 10]
        waiting = [answer for answer in answers if not answer.done()]
        results = [answer.result() for answer in answers]

    assert waiting, "all uploads were answered before anybody looked"
    assert set(seen) == {200}
    assert {answer.status for answer, _ in results} == {503}
    assert max(seconds for _, seconds in results) < ANSWER_SECONDS + BUSY_SECONDS
    assert not StoredUpload.objects.exists()
    [again] = uploaders(dyno, member, samples.pdf(), "resume", 1)
    assert again()[0].status == 201
