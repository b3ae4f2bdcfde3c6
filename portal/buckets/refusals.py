"""Reasons not to configure buckets: a prefix that is opened would open protected files, too."""

from django.core.files.storage import Storage

from portal.files.locations import may_lie_within
from portal.files.policies import is_protected, is_public
from portal.s3.addresses import prefix_of


def openings(storages: dict[str, Storage], live: dict[str, Storage]) -> list[str]:
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
