"""Files that a refresh leaves behind in this site's own storages: no row names them any more.

They came with rows of former refreshes, or with members who have left since. The rules are those
of sweep_media.
"""

from contextlib import closing
from datetime import datetime

from django.core.files.storage import Storage

from portal.files import sweeping
from portal.files.sweeping import DELETED, ORPHAN


def leftovers(
    storages: dict[str, Storage], before: datetime, *, delete: bool, most: bool
) -> dict[str, dict[str, int]]:
    """Count, for each storage by its label, the files written before a time that no row names.

    With `delete`, deletes them. Raises SweepRefused before the first delete, or OSError.
    """
    sweeping.refuse_overlap(storages)
    if delete:
        sweeping.look_first(storages, before, most)
    counts = {}
    for label, storage in storages.items():
        count = counts[label] = {"unnamed": 0, "deleted": 0}
        with closing(sweeping.results_in(storage, before)) as results:
            for result in results:
                if result.kind == ORPHAN:
                    count["unnamed"] += 1
                    if delete:
                        outcome, _ = sweeping.deleted(storage, result.name)
                        count["deleted"] += outcome == DELETED
    return counts
