"""Copies that S3 makes itself, and what goes through this machine where it may not."""

import pytest

from portal.copying import transfer
from portal.copying.stores import FileInfo

from .test_one_file import HERE, LARGE, MD5, OTHER_MD5, Store, opened, transfer_between


@pytest.mark.parametrize(
    ("received", "etag", "compared"),
    [(MD5, MD5, False), ("", MD5, True), (OTHER_MD5, MD5, True), ("", "", True), (MD5, "", True)],
)
def test_a_service_that_has_copied_is_believed_if_it_names_the_md5(received, etag, compared):
    info = FileInfo(10, 5.0, etag)
    source = Store(find=[info])
    target = Store(find=[info], can_copy_from=[True], may_read=[True], copy=[received])
    made = transfer_between(source, target)

    assert made.copy_one("a", info, None) == ("copied", 10, "")
    assert made.copy_one("b", info, None) == ("copied", 10, "")

    found = lambda name: [("find", name)] * compared  # noqa: E731
    assert target.asked == [
        ("may_read", source, "a"), ("copy", "a", source), *found("a"),
        ("copy", "b", source), *found("b"),
    ]  # fmt: skip
    assert source.asked == [*found("a"), *found("b")]


@pytest.mark.parametrize("size", [99, 100, 101])
def test_a_large_file_goes_in_parts(size):
    """By the service where it may, and else through this machine."""
    info = FileInfo(size, 5.0, "etag-2")
    for by_service in (True, False):
        source = Store(
            find=[info], copied_headers=[{"h": "1"}],
            open=[opened(b"x" * size if size <= 100 else b"ab", "") for _ in range(2)],
        )  # fmt: skip
        target = Store(
            find=[info], can_copy_from=[by_service], may_read=[True], copy=[""], write=[""],
            create_from_parts=[None], copy_part=["p1", "p2"], write_part=["p1", "p2"],
        )  # fmt: skip

        outcome = transfer_between(source, target).copy_one("a", info, None)

        assert outcome == ("copied", size, "")
        methods = [what for what, *_ in target.asked]
        if size <= 100:
            assert methods == (["may_read", "copy"] if by_service else ["write"]) + ["find"]
            continue
        assert ("create_from_parts", "a", size, {"h": "1"}) in target.asked
        assert target.sent == ["p1", "p2"]
        parts = [(1, range(100)), (2, range(100, 101))]
        if by_service:
            assert [asked for asked in target.asked if asked[0] == "copy_part"] == [
                ("copy_part", "a", "upload", number, part, source, "etag-2")
                for number, part in parts
            ]
        else:
            assert [asked for asked in source.asked if asked[0] == "open"] == [
                ("open", "a", part, "etag-2") for _, part in parts
            ]
            assert [asked for asked in target.asked if asked[0] == "write_part"] == [
                ("write_part", "a", "upload", number, b"ab") for number, _ in parts
            ]
        assert methods[-1] == "find"
        assert source.asked[-1] == ("find", "a")


@pytest.mark.parametrize(
    ("may_read", "is_there", "then"),
    [(True, True, True), (False, True, False), (False, False, None)],
)
def test_the_first_file_tells_if_the_service_may_copy(may_read, is_there, then):
    """A missing one proves nothing."""
    source = Store(find=[HERE if is_there else None])
    made = transfer_between(source, Store(can_copy_from=[True], may_read=[may_read]))

    assert made._may_copy_by_service("a") is may_read
    assert made.by_service is then
    assert made._may_copy_by_service("b") is may_read
    times = 1 if then is not None else 2
    assert [what for what, *_ in made.target.asked] == ["may_read"] * times
    assert [what for what, *_ in source.asked] == ["find"] * (0 if may_read else times)


@pytest.mark.parametrize("has_copied", [True, False])
def test_a_service_that_is_denied_a_file_is_asked_again_if_it_has_copied_one(has_copied):
    source = Store(find=[HERE], open=[opened(), opened()])
    answers = [MD5, PermissionError("No.")] if has_copied else [PermissionError("No.")]
    target = Store(can_copy_from=[True], may_read=[True], copy=answers, write=[MD5])
    made = transfer_between(source, target)

    for name in "abc"[: 2 + has_copied]:
        assert made.copy_one(name, HERE, None) == ("copied", 10, "")
        source.answers["open"] = [opened()]

    methods = [what for what, *_ in target.asked]
    if has_copied:
        assert methods == ["may_read", "copy", "copy", "write", "copy", "write"]
    else:
        assert methods == ["may_read", "copy", "write", "write"]


def test_only_so_many_bytes_are_on_their_way(monkeypatch):
    """A piece that is read, and one that is held, for each of 256 files."""
    made = transfer_between(Store(), Store(can_copy_from=[False]))

    assert made._streams._value == 256 == transfer.MAX_BYTES_IN_FLIGHT // (2 * 128 * 1024)


def test_a_target_that_takes_no_parts_is_no_denied_source():
    source = Store(copied_headers=[{}])
    target = Store(can_copy_from=[False], create_from_parts=[PermissionError("No.")])

    assert transfer_between(source, target).copy_one("a", LARGE, None) == (
        "failed", 0, "The store may not be written. No."
    )  # fmt: skip


@pytest.mark.parametrize("found", [True, False])
def test_what_another_thread_has_found_out_meanwhile_is_not_asked_again(found):
    made = transfer_between(Store(), Store(can_copy_from=[True]))

    class Waited:
        def __enter__(self):
            made.by_service = found

        def __exit__(self, *error):
            pass

    made._trying = Waited()

    assert made._may_copy_by_service("a") is found
    assert made.target.asked == []
