"""Reasons not to configure buckets: files that would be published, uploads that would all fail."""

from storages.backends.s3 import S3Storage

from portal.files.locations import may_lie_within
from portal.files.policies import is_protected, is_public
from portal.s3.addresses import prefix_of

OWNER_ACL = "bucket-owner-full-control"  # the one that a bucket without ACLs accepts


def openings(storages: dict[str, S3Storage], live: dict[str, S3Storage]) -> list[str]:
    """Return a sentence for each public storage below whose prefix are protected files.

    `storages` are this site's, and `live` those of the live site, by alias. Makes no request.
    """
    known = storages | {f"live {alias}": storage for alias, storage in live.items()}
    found = []
    for alias, storage in storages.items():
        held = [
            name
            for name, other in known.items()
            if is_public(storage) and is_protected(other) and may_lie_within(other, storage)
        ]
        if held:
            prefix = prefix_of(storage)
            what = f"{prefix}*" if prefix else "all"
            found.append(
                f'Opening {what} of {storage.bucket_name}, for STORAGES["{alias}"],'
                f" would open the protected files of {' and '.join(held)} to everyone: change"
                " location or bucket_name in its OPTIONS."
            )
    return found


def uploads_with_acls(storages: dict[str, S3Storage]) -> list[str]:
    """Return a sentence for each storage whose uploads a bucket without ACLs would refuse."""
    return [
        f'STORAGES["{alias}"] gives each upload an ACL, {acl}, and a bucket that is set up here has'
        " none: every upload would fail. Take default_acl (AWS_DEFAULT_ACL), and ACLs in"
        " object_parameters, out: the bucket's policy opens what is public."
        for alias, storage in storages.items()
        if (acl := acl_of(storage))
    ]


def acl_of(storage: S3Storage) -> str:
    """Return what a storage grants to others with each upload; empty if it is nothing."""
    parameters = storage.get_object_parameters("")
    acl = parameters.get("ACL", storage.default_acl)
    given = [] if acl in {None, "", OWNER_ACL} else [acl]
    return ", ".join([*given, *(name for name in parameters if name.startswith("Grant"))])
