"""What no browser sends, as gunicorn's processes meet it: catalogue A7, A8, I8, P8."""

import contextlib
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from allauth.usersessions.models import UserSession
from django.core.files.base import ContentFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from profiles.models import Profile
from tests.conftest import PASSWORD
from tests.support import samples
from tests.support.dyno import eventually
from tests.support.served import HOST, give_a_real_password, post_multipart, save_profile, send

LOGIN = "/accounts/login/"
TRIES = 5
MEGABYTE = 1_000_000


def peak_megabytes(dyno) -> float:
    """The most memory that any of the workers has ever had."""
    peaks = [Path(f"/proc/{worker.pid}/status").read_text() for worker in dyno.workers()]
    return max(int(re.search(r"VmHWM:\s+(\d+)", peak)[1]) for peak in peaks) / 1024


def left_over(dyno) -> list[str]:
    """The temporary files that there are: by name, and those without one that a worker has open."""
    named = [str(path) for path in dyno.temporary.iterdir() if path.is_file()]
    opened = [path for worker in dyno.workers() for path in open_files(worker.pid)]
    opened = [path for path in opened if path.startswith(str(dyno.temporary))]
    return named + opened


def open_files(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(link.readlink()))
    return found


def is_tidy(dyno) -> bool:
    """Whether no temporary file is left; Django closes what it has read once it has answered."""
    return eventually(lambda: not left_over(dyno), 2)


def test_fifty_wrong_passwords_at_once_are_five(dyno, another_dyno, member):
    """A7, R4: however many processes and dynos they are sent to."""
    give_a_real_password(member)
    visitors = [served.visitor() for served in (dyno, another_dyno) for _ in range(25)]

    with ThreadPoolExecutor(len(visitors)) as pool:
        answers = list(
            pool.map(lambda v: v.post(LOGIN, login=member.email, password="wrong"), visitors)
        )

    wrong = [answer for answer in answers if "are not correct" in answer.text]
    assert {answer.status for answer in answers} <= {200, 429}
    assert 1 <= len(wrong) <= TRIES
    refused = another_dyno.visitor().post(LOGIN, login=member.email, password=PASSWORD)
    assert refused.status in {200, 429}


def test_a_client_does_not_move_the_site_to_another_path(dyno):
    """gunicorn takes SCRIPT_NAME from any proxy that it trusts, which is whoever asks."""
    moved = dyno.visitor().request("GET", "/x/accounts/login/", headers={"SCRIPT_NAME": "/x"})
    away = dyno.visitor().request("GET", "/healthz", headers={"SCRIPT_NAME": "/nope"})

    assert moved.status == 404
    assert away.status == 200


def test_a_client_that_says_twice_who_it_is_is_not_believed(dyno, member):
    """A8: of two headers Heroku's router completes the first."""
    give_a_real_password(member)
    visitor = dyno.visitor()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visitor.get(LOGIN).text)[1]
    body = f"login={member.email}&password={PASSWORD}&csrfmiddlewaretoken={token}".replace(" ", "+")
    connection = visitor.connection

    connection.putrequest("POST", LOGIN, skip_host=True)
    for name, value in [
        ("Host", HOST),
        ("Origin", f"https://{HOST}"),
        ("Cookie", f"__Host-csrftoken={visitor.cookies['__Host-csrftoken']}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "192.0.2.1, 203.0.113.7"),
        ("X-Forwarded-For", "192.0.2.2"),
    ]:
        connection.putheader(name, value)
    connection.endheaders(body.encode())

    assert connection.getresponse().status == 302
    assert UserSession.objects.get().ip == "203.0.113.7"


def parts(token, megabytes):
    """A form with a file of so many megabytes, in pieces; its length comes first."""
    fields = {"csrfmiddlewaretoken": token, "name": "Ada", "visibility": "members"}
    head = encode_multipart(BOUNDARY, fields).removesuffix(f"--{BOUNDARY}--\r\n".encode())
    head += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="resume"; filename="cv.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n%PDF-1.7\n"
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    yield len(head) + megabytes * MEGABYTE + len(tail)
    yield head
    yield from [b"x" * MEGABYTE] * megabytes
    yield tail


@pytest.mark.parametrize(("megabytes", "status"), [(100, 413), (40, 200)])
def test_a_body_of_any_size_costs_no_memory_and_leaves_nothing(dyno, member, megabytes, status):
    """I8: 100 MB are refused; 40 are read, and the form says that the file is too large."""
    visitor = dyno.visitor(member)
    token = re.search(r'"csrfmiddlewaretoken" value="(\w+)"', visitor.get("/me/edit/").text)[1]
    before = peak_megabytes(dyno)
    body = parts(token, megabytes)

    length = str(next(body))
    answered = send(visitor, "/me/edit/", body, **{"Content-Length": length}).status

    assert answered == status
    grown = peak_megabytes(dyno) - before
    assert grown < 20, f"{grown:.0f} MB"
    assert is_tidy(dyno)
    assert not Profile.objects.get(user=member).resume


def a_resume():
    return ContentFile(samples.pdf(), name="cv.pdf")


@pytest.mark.parametrize(
    ("name", "value", "number"), [("x", str, 1_001), ("resume", a_resume, 1_001)]
)
def test_too_many_parts_are_refused(dyno, on_s3, member, name, value, number):
    """P8: fields, and files; ten parts are the control."""
    values = [value() for _ in range(number)]
    visitor = dyno.visitor(member)

    assert post_multipart(visitor, "/me/edit/", {name: values}).status == 400
    another = dyno.visitor(member)
    fields = {"name": "Anew", name: [value() for _ in range(10)]}
    assert save_profile(another, **fields).status == 302

    assert is_tidy(dyno)
    assert Profile.objects.get(user=member).name == "Anew"


def test_a_body_that_breaks_off_leaves_nothing(dyno, member):
    """P8: neither a temporary file nor a row; no view ever sees it."""
    visitor = dyno.visitor(member)
    token = re.search(r'"csrfmiddlewaretoken" value="(\w+)"', visitor.get("/me/edit/").text)[1]
    body = parts(token, 20)
    length, half = next(body), b"".join(next(body) for _ in range(10))
    lines = dyno.said().count("route=me/edit/")

    with socket.create_connection(("127.0.0.1", dyno.port)) as client:
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        client.sendall(
            f"POST /me/edit/ HTTP/1.1\r\nHost: {HOST}\r\nOrigin: https://{HOST}\r\n"
            f"Cookie: {cookies}\r\nX-Forwarded-Proto: https\r\n"
            f"Content-Type: {MULTIPART_CONTENT}\r\nContent-Length: {length}\r\n\r\n".encode()
            + half
        )
        assert eventually(lambda: left_over(dyno), 5), "nothing was there to be left over"

    assert is_tidy(dyno)
    assert "a client has gone before its request was whole" in dyno.said()
    assert dyno.said().count("route=me/edit/") == lines
    assert Profile.objects.get(user=member).name == "Ada Lovelace"
