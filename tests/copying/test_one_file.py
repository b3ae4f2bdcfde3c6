"""How one file is copied: what each store is asked for, in which order, and the outcome."""

from contextlib import contextmanager
from hashlib import md5

import pytest
from django.core.exceptions import SuspiciousFileOperation

from portal.copying import transfer
from portal.copying.retry import Retry, Stopped
from portal.copying.stores import UNKNOWN, Changed, Content, FileInfo, Transient
from portal.copying.transfer import NO_FILE, Transfer
from tests.support import fips

BODY = b"0123456789"
MD5 = md5(BODY, usedforsecurity=False).hexdigest()
OTHER_MD5 = "0" * 32
HERE = FileInfo(10, 5.0, MD5)
LARGE = FileInfo(101, 5.0, "etag-2")


class Store:
    """Answers each method from a list, whose last entry is repeated, and notes what is asked."""

    keeps_time, checks_md5, single_bytes = False, False, 100

    def __init__(self, **answers):
        self.asked = []
        self.answers = {name: list(values) for name, values in answers.items()}

    def __str__(self):
        return "The store"

    def answer(self, method, *arguments):
        self.asked.append((method, *arguments))
        answers = self.answers[method]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def find(self, name):
        return self.answer("find", name)

    def md5(self, name):
        return self.answer("md5", name)

    def copied_headers(self, name):
        return self.answer("copied_headers", name)

    @contextmanager
    def open(self, *arguments):
        yield self.answer("open", *arguments)

    def can_copy_from(self, source):
        return self.answer("can_copy_from", source)

    def may_read(self, source, name):
        return self.answer("may_read", source, name)

    def copy(self, name, source):
        return self.answer("copy", name, source)

    def write(self, name, content):
        self.written = b"".join(content.chunks)
        return self.answer("write", name, content.info, content.headers)

    def create_from_parts(self, name, size, headers, send):
        self.answer("create_from_parts", name, size, headers)
        self.sent = [send("upload", 1, range(100)), send("upload", 2, range(100, 101))]

    def write_part(self, name, upload, number, content):
        return self.answer("write_part", name, upload, number, b"".join(content.chunks))

    def copy_part(self, *arguments):
        return self.answer("copy_part", *arguments)


def transfer_between(source, target, *, dry_run=False) -> Transfer:
    made = Transfer(source, target, Retry(), dry_run=dry_run)
    target.asked.clear()
    return made


def opened(body=BODY, etag=MD5) -> Content:
    chunks = (body[at : at + 4] for at in range(0, len(body), 4))
    return Content(FileInfo(len(body), 5.0, etag), {"content-type": "x"}, chunks)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Retry without pauses, on a machine in FIPS mode."""
    monkeypatch.setattr(transfer, "md5", fips.md5)
    monkeypatch.setattr("portal.copying.retry.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("portal.copying.retry.ATTEMPTS", 3)


DENIED = "No. Where a key may not list, missing files look the same."
OLDER, NEWER = FileInfo(10, 4.0), FileInfo(10, 6.0)


@pytest.mark.parametrize(
    ("source_file", "target_file", "finds", "outcome", "asked"),
    [
        (None, None, [], ("missing", 0, NO_FILE), []),
        (None, HERE, [], ("missing", 0, NO_FILE), []),
        (UNKNOWN, UNKNOWN, [None], ("missing", 0, NO_FILE), ["source find"]),
        (UNKNOWN, UNKNOWN, [FileNotFoundError()], ("missing", 0, NO_FILE), ["source find"]),
        (UNKNOWN, HERE, [PermissionError("No.")], ("denied", 0, DENIED), ["source find"]),
        (UNKNOWN, HERE, [OSError("Cut.")], ("failed", 0, "Cut."), ["source find"]),
        (UNKNOWN, HERE, [ValueError("Nul.")], ("failed", 0, "Nul."), ["source find"]),
        (UNKNOWN, HERE, [SuspiciousFileOperation("..")], ("failed", 0, ".."), ["source find"]),
        (UNKNOWN, HERE, [HERE], ("unchanged", 10, ""), ["source find"]),
        (UNKNOWN, UNKNOWN, [HERE, HERE], ("unchanged", 10, ""), ["source find", "target find"]),
        (HERE, UNKNOWN, [HERE], ("unchanged", 10, ""), ["target find"]),
        (HERE, UNKNOWN, [PermissionError("No.")], ("copied", 10, ""), ["target find"]),
        (HERE, UNKNOWN, [None], ("copied", 10, ""), ["target find"]),
        (HERE, None, [], ("copied", 10, ""), []),
        (HERE, HERE, [], ("unchanged", 10, ""), []),
        (HERE, LARGE, [], ("copied", 10, ""), []),
        (OLDER, NEWER, [], ("unchanged", 10, ""), []),
        (NEWER, OLDER, [], ("copied", 10, ""), []),
        # One side may be encrypted, which a HEAD tells.
        (HERE, FileInfo(10, 6.0, OTHER_MD5), [HERE, NEWER], ("unchanged", 10, ""),
         ["source find", "target find"]),
        (HERE, FileInfo(10, 6.0, OTHER_MD5), [HERE, OLDER], ("copied", 10, ""),
         ["source find", "target find"]),
        (HERE, FileInfo(10, 6.0, OTHER_MD5), [None], ("missing", 0, NO_FILE),
         ["source find"]),
        (HERE, FileInfo(10, 6.0, OTHER_MD5), [HERE, PermissionError("No.")], ("copied", 10, ""),
         ["source find", "target find"]),
        # A file on disk has to be read for its MD5.
        (FileInfo(10, 9.0), HERE, [MD5], ("unchanged", 10, ""), ["source md5"]),
        (FileInfo(10, 1.0), HERE, [OTHER_MD5], ("copied", 10, ""), ["source md5"]),
    ],
)  # fmt: skip
def test_a_file_is_copied_only_where_that_is_needed(
    source_file, target_file, finds, outcome, asked
):
    """In a dry run, which asks the same."""
    of_source = [found for found, what in zip(finds, asked, strict=True) if "source" in what]
    of_target = [found for found, what in zip(finds, asked, strict=True) if "target" in what]
    source = Store(find=of_source, md5=of_source)
    target = Store(find=of_target, can_copy_from=[False])

    found = transfer_between(source, target, dry_run=True).copy_one("a", source_file, target_file)

    assert found == outcome
    assert [("find" if "find" in what else "md5", "a") for what in asked if "source" in what] == (
        source.asked
    )
    assert [("find", "a") for what in asked if "target" in what] == target.asked


SENDING, WRITTEN = ("open", "a"), ("write", "a", HERE, {"content-type": "x"})


@pytest.mark.parametrize(
    ("etag", "checks_md5", "received", "compared"),
    [
        (MD5, True, MD5, False),
        (MD5, False, MD5, False),
        ("", True, MD5, False),
        ("", False, MD5, False),
        (MD5, True, "", True),
        ("", False, "", True),
    ],
)
def test_a_stream_is_checked_by_its_md5_or_by_a_comparison(etag, checks_md5, received, compared):
    source = Store(find=[HERE], open=[opened(etag=etag)])
    target = Store(find=[HERE], can_copy_from=[False], write=[received])
    target.checks_md5 = checks_md5

    outcome = transfer_between(source, target).copy_one("a", HERE, None)

    assert outcome == ("copied", 10, "")
    assert target.written == BODY
    assert source.asked == [SENDING] + [("find", "a")] * compared
    info = FileInfo(10, 5.0, etag)
    assert target.asked == [("write", "a", info, {"content-type": "x"})] + (
        [("find", "a")] * compared
    )


@pytest.mark.parametrize(
    ("body", "etag", "received", "reason"),
    [
        (BODY, OTHER_MD5, "", "What was read has not the MD5 that is the source's ETag."),
        (BODY, MD5, OTHER_MD5, "What arrived is not what was sent."),
        (BODY, "", OTHER_MD5, "What arrived is not what was sent."),
    ],
)
def test_what_is_not_what_was_announced_is_tried_again_and_then_a_failure(
    body, etag, received, reason
):
    source = Store(find=[FileInfo(10, 5.0, etag)], open=[opened(body, etag) for _ in range(3)])
    target = Store(find=[None], can_copy_from=[False], write=[received])

    result, size, why = transfer_between(source, target).copy_one("a", HERE, None)

    assert (result, size) == ("failed", 0)
    assert why == f"Gave up after 3 attempts. {reason}"
    assert [what for what, *_ in source.asked] == ["open", "find"] * 3


def test_a_file_that_changes_meanwhile_is_copied_as_it_is_now():
    source = Store(find=[FileInfo(7, 6.0)], open=[Changed("Another."), opened(b"another", "")])
    target = Store(can_copy_from=[False], write=[md5(b"another").hexdigest()])

    assert transfer_between(source, target).copy_one("a", HERE, None) == ("copied", 7, "")
    assert source.asked == [SENDING, ("find", "a"), SENDING]


def test_a_file_that_is_deleted_meanwhile_is_missing():
    source = Store(find=[None], open=[Changed("Another.")])
    target = Store(can_copy_from=[False])

    assert transfer_between(source, target).copy_one("a", HERE, None) == ("missing", 0, NO_FILE)


def test_a_target_that_may_not_be_written_to_is_no_denied_source():
    source = Store(open=[opened()])
    target = Store(can_copy_from=[False], write=[PermissionError("No.")])

    assert transfer_between(source, target).copy_one("a", HERE, None) == (
        "failed", 0, "The store may not be written. No."
    )  # fmt: skip


def test_a_target_that_answers_404_to_a_file_is_no_source_without_it():
    """So answers what is no S3 server, or one whose addresses end at a line break."""
    source = Store(open=[opened()])
    target = Store(can_copy_from=[False], write=[FileNotFoundError("There is no such object.")])

    assert transfer_between(source, target).copy_one("a", HERE, None) == (
        "failed", 0, "The store does not take the file. There is no such object."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("info", "chunks", "has_digest", "yielded", "error"),
    [
        (FileInfo(0, 1.0), [], True, [b""], None),
        (FileInfo(4, 1.0), [b"01", b"23"], False, [b"01", b"23"], None),
        (FileInfo(4, 1.0, OTHER_MD5), [b"0123"], False, [b"0123"], None),
        (FileInfo(10, 1.0, MD5), [b"01234", b"56789"], True, [b"01234", b"56789"], None),
        (FileInfo(4, 1.0), [b"01", b"23"], True, [b"01", b"23"], None),
        (FileInfo(5, 1.0), [b"01", b"23"], True, [b"01"], "fewer bytes"),
        (FileInfo(3, 1.0), [b"01", b"23"], True, [b"01"], "fewer bytes"),
        (FileInfo(4, 1.0, OTHER_MD5), [b"01", b"23"], True, [b"01"], "has not the MD5"),
    ],
)
def test_the_last_piece_is_held_back_until_all_is_right(info, chunks, has_digest, yielded, error):
    """A target that has not received it stores nothing."""
    made = transfer_between(Store(), Store(can_copy_from=[False]))
    digest, seen = md5(usedforsecurity=False) if has_digest else None, []

    def read():
        for piece in made._checked(Content(info, {}, iter(chunks)), digest):
            seen.append(piece)

    if error:
        with pytest.raises(Transient, match=error):
            read()
    else:
        read()

    assert seen == yielded


def test_a_run_that_has_ended_reads_no_further_piece():
    made = transfer_between(Store(), Store(can_copy_from=[False]))
    made.retry.stopping.set()

    with pytest.raises(Stopped):
        next(made._checked(opened(), None))


@pytest.mark.parametrize(
    ("of_source", "of_target", "are_equal"),
    [
        (FileInfo(10, 1.0, MD5), FileInfo(10, 2.0, MD5), True),
        (FileInfo(10, 1.0), FileInfo(10, 2.0, MD5), True),
        (FileInfo(10, 1.0, MD5), FileInfo(10, 2.0), True),
        (FileInfo(10, 1.0, MD5), FileInfo(10, 2.0, "etag-2"), True),
        (FileInfo(10, 1.0, MD5), FileInfo(10, 2.0, OTHER_MD5), False),
        (FileInfo(10, 1.0, MD5), FileInfo(11, 1.0, MD5), False),
        (FileInfo(10, 1.0, MD5), None, False),
        (None, FileInfo(10, 1.0, MD5), False),
        (None, None, False),
        (FileInfo(10, 1.0, MD5), PermissionError(), False),
    ],
)
def test_a_copy_is_compared_by_size_and_md5(of_source, of_target, are_equal):
    made = transfer_between(Store(find=[of_source]), Store(find=[of_target], can_copy_from=[False]))

    if are_equal:
        made._compare("a")
    else:
        with pytest.raises(Transient, match="The copy differs from the source"):
            made._compare("a")
