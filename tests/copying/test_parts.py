"""One object of parts: each request of S3's protocol for it, and what is left if one fails."""

import pytest

from portal.copying import s3_store
from portal.copying.s3_http import Refused
from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import Content, FileInfo, Transient, Unusable

KEYS = {"access_key": "AKIA", "secret_key": "secret", "region": "eu-west-1"}
HEADERS = {"content-type": "image/webp"}
MB = 1024 * 1024


class Target(S3Target):
    """A bucket whose answers are given, by method and the first name in the query."""

    def __init__(self, **answers):
        super().__init__(
            bucket="b", prefix="media", default_headers=lambda name: {"x-of": name}, **KEYS
        )
        self.answers, self.asked = answers, []

    def _ask(self, method, key="", *, query=None, headers=None, body=None):
        body = body if isinstance(body, bytes | None) else b"".join(body)
        self.asked.append((method, key, query, headers, body))
        answer = self.answers[f"{method}_{next(iter(query or {}), '')}"]
        if isinstance(answer, Exception):
            raise answer
        return answer


def xml(**fields) -> tuple[dict, bytes]:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return {}, f'<R xmlns="http://s3/">{inside}</R>'.encode()


def uploads(*pairs) -> tuple[dict, bytes]:
    inside = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{number}</UploadId></Upload>" for key, number in pairs
    )
    return {}, f'<R xmlns="http://s3/"><Prefix>x</Prefix>{inside}</R>'.encode()


USUAL = {
    "GET_uploads": uploads(),
    "POST_uploads": xml(UploadId="up-1"),
    "POST_uploadId": xml(ETag='"whole"'),
    "DELETE_uploadId": ({}, b""),
}
KEY = "media/a"
LISTED = ("GET", "", {"uploads": "", "prefix": KEY}, None, None)
BEGUN = ("POST", KEY, {"uploads": ""}, HEADERS, None)
ABORTED = ("DELETE", KEY, {"uploadId": "up-1"}, None, None)


def ended(*etags) -> tuple:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in enumerate(etags, 1)
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return ("POST", KEY, {"uploadId": "up-1"}, None, body)


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (1, [range(1)]),
        (64 * MB, [range(64 * MB)]),
        (64 * MB + 1, [range(64 * MB), range(64 * MB, 64 * MB + 1)]),
        (150 * MB, [range(64 * MB), range(64 * MB, 128 * MB), range(128 * MB, 150 * MB)]),
    ],
)
def test_an_object_is_begun_sent_in_parts_and_completed(size, parts):
    target, sent = Target(**USUAL), []

    def send(upload, number, part):
        sent.append((upload, number, part))
        return f'"<{number}>"'

    target.create_from_parts("a", size, HEADERS, send)

    assert sorted(sent) == [("up-1", number, part) for number, part in enumerate(parts, 1)]
    etags = [f'"&lt;{number}&gt;"' for number in range(1, len(parts) + 1)]
    assert target.asked == [LISTED, BEGUN, ended(*etags)]


def test_an_object_has_no_more_parts_than_s3_takes(monkeypatch):
    monkeypatch.setattr(s3_store, "MAX_PARTS", 100)
    sizes = []
    target = Target(**USUAL)

    target.create_from_parts(
        "a", 101 * 64 * MB, HEADERS, lambda upload, number, part: sizes.append(len(part)) or "e"
    )

    assert len(sizes) == 100
    assert max(sizes) == -(-101 * 64 * MB // 100)


def test_an_object_without_headers_has_those_of_its_policy():
    target = Target(**USUAL)

    target.create_from_parts("a", 1, {}, lambda *part: "e")

    assert target.asked[1] == ("POST", KEY, {"uploads": ""}, {"x-of": "a"}, None)


@pytest.mark.parametrize("abort", [({}, b""), OSError("Broken."), Unusable("No bucket.")])
@pytest.mark.parametrize("failing", ["send", "POST_uploadId", "code"])
def test_what_fails_is_aborted_and_told(failing, abort):
    """Also where the abort fails: the first error is the one that counts."""
    error = Refused("Why.")
    answers = USUAL | {"DELETE_uploadId": abort}
    if failing == "code":  # after a 200
        answers["POST_uploadId"] = xml(Code="InternalError", Message="Again.")
    elif failing != "send":
        answers[failing] = error
    target = Target(**answers)

    def send(*part):
        if failing == "send":
            raise error
        return "e"

    with pytest.raises(Transient if failing == "code" else Refused):
        target.create_from_parts("a", 1, HEADERS, send)

    assert target.asked == [LISTED, BEGUN, *([] if failing == "send" else [ended("e")]), ABORTED]


@pytest.mark.parametrize(
    ("listed", "removed"),
    [
        (uploads(), []),
        (uploads((KEY, "old-1"), ("media/ab", "other"), (KEY, "old-2")), ["old-1", "old-2"]),
        (PermissionError("No."), []),  # a key may write where it may not list
    ],
)
def test_parts_of_a_killed_run_are_removed_first(listed, removed):
    target = Target(**USUAL | {"GET_uploads": listed})

    target.create_from_parts("a", 1, HEADERS, lambda *part: "e")

    assert target.asked == [
        LISTED,
        *(("DELETE", KEY, {"uploadId": number}, None, None) for number in removed),
        BEGUN,
        ended("e"),
    ]


@pytest.mark.parametrize("etag", ["", "etag-2"])
def test_a_part_is_written_or_copied_by_its_number(etag):
    target = Target(PUT_partNumber=({"etag": '"p"'}, xml(ETag='"c"')[1]))
    content = Content(FileInfo(3, 0.0), {}, iter([b"12", b"3"]))
    source = S3Source(bucket="live", prefix="old media", **KEYS)

    assert target.write_part("a", "up-1", 7, content) == '"p"'
    assert target.copy_part("a", "up-1", 8, range(5, 9), source, etag) == '"c"'

    condition = {"x-amz-copy-source-if-match": f'"{etag}"'} if etag else {}
    assert target.asked == [
        ("PUT", KEY, {"partNumber": "7", "uploadId": "up-1"}, {"content-length": "3"}, b"123"),
        (
            "PUT",
            KEY,
            {"partNumber": "8", "uploadId": "up-1"},
            {
                "x-amz-copy-source": "live/old%20media/a",
                "x-amz-copy-source-range": "bytes=5-8",
                **condition,
            },
            None,
        ),
    ]
    target.answers["PUT_partNumber"] = xml()
    content = Content(FileInfo(0, 0.0), {}, iter([]))
    assert target.write_part("a", "up-1", 9, content) == ""
    assert target.copy_part("a", "up-1", 9, range(1), source, "") == ""


MD5 = "a" * 32


@pytest.mark.parametrize("headers", [{}, HEADERS])
@pytest.mark.parametrize("etag", [MD5, "", "etag-2"])
def test_a_file_is_written_with_its_length_and_its_md5(headers, etag):
    target = Target(PUT_=({"etag": f'"{MD5}"'}, xml(ETag=f'"{MD5}"')[1]))
    content = Content(FileInfo(3, 0.0, etag), headers, iter([b"123"]))

    assert target.write("a", content) == MD5
    source = S3Source(bucket="live", prefix="m", **KEYS)
    assert target.copy("a", source) == MD5

    checked = {"content-md5": "qqqqqqqqqqqqqqqqqqqqqg=="} if etag == MD5 else {}
    of_policy = headers or {"x-of": "a"}
    assert target.asked == [
        ("PUT", KEY, None, {**of_policy, "content-length": "3", **checked}, b"123"),
        ("PUT", KEY, None, {"x-amz-copy-source": "live/m/a"}, None),
    ]
