"""Tells changed files from unchanged ones by ETag, size and time."""

from .stores import UNKNOWN, FileInfo


def is_decided_by_listing(source_file, target_file) -> bool:
    """Return True if the listings suffice; if not, each store has to be asked for this file.

    Either argument may be a FileInfo, None or UNKNOWN.
    """
    if UNKNOWN in (source_file, target_file):
        return False
    if source_file is None or target_file is None:
        return True
    if source_file.size != target_file.size or source_file.etag == target_file.etag:
        return True
    # Two MD5s that differ may only mean that one side is encrypted, which a HEAD tells. A file on
    # disk, without an ETag, has to be read for its MD5.
    return not (target_file.md5 and (source_file.md5 or not source_file.etag))


def is_unchanged(source_file: FileInfo, target_file: FileInfo | None, *, keeps_time: bool) -> bool:
    """Return True if the target has the source's file: the same ETag, or else size and time.

    `keeps_time` is that of the target: True if a copy gets the time of its original, False if it
    gets the time at which it was made.
    """
    if target_file is None or source_file.size != target_file.size:
        return False
    if source_file.etag and source_file.etag == target_file.etag:
        return True
    if source_file.md5 and target_file.md5:
        return False
    source_time, target_time = in_common_unit(source_file.modified, target_file.modified)
    return source_time == target_time if keeps_time else source_time <= target_time


def in_common_unit(one: float, other: float) -> tuple[int, int]:
    """Return two times in milliseconds, or in whole seconds if one of them has no fraction.

    The listings of MinIO and Ceph have milliseconds; AWS's have .000, and all servers' headers
    have seconds.
    """
    if one == int(one) or other == int(other):
        return int(one), int(other)
    return round(one * 1000), round(other * 1000)
