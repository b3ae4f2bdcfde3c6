"""copy_live_media as an operator runs it."""

import io
import re

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command


def run(*arguments):
    """Run the command and return its table, by field; its output is in run.out and run.err."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("copy_live_media", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return table(run.out)


def table(text):
    """The rows of a printed table, by the first cell; each a dictionary by the headings."""
    lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
    return {label: dict(zip(lines[0][1:], cells, strict=True)) for label, *cells in lines[1:]}


def refused(words, *arguments):
    """Return the error with which the command ends; it holds these words."""
    with pytest.raises(CommandError, match=words) as caught:
        run(*arguments)
    return caught.value


def keys_in(server, bucket):
    """The keys of a bucket."""
    return sorted(server._backend.buckets[bucket].keys)


def arrived(people):
    """For each file of each member, True if it is on this site."""
    return [
        storages[alias].exists(getattr(profile, field).name)
        for profile in people
        for alias, field in (("default", "avatar"), ("protected", "resume"))
    ]
