"""How far a long command has come, in words."""

import io

import pytest
from django.core.management.base import OutputWrapper

from portal.staging.progress import Progress, size_words, time_words


class Clock:
    now = 0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_one_line_on_a_terminal_and_a_few_in_a_pipe(is_terminal):
    out, clock, flushed = io.StringIO(), Clock(), []
    out.isatty = lambda: is_terminal
    out.flush = lambda: flushed.append(out.getvalue())
    progress = Progress(OutputWrapper(out), lambda: 1000, clock)

    for second in range(1, 31):
        clock.now = second
        progress.add(2_000_000)
    progress.clear()
    assert flushed[-1] == out.getvalue(), "a person sees it at once"

    lines = out.getvalue().split("\r" if is_terminal else "\n")
    assert len(lines) == (32 if is_terminal else 4)
    assert (
        "10 of 1,000 files, 20.0 MB copied, 1 files and 2.0 MB a second, 16:30 left"
        in lines[10 if is_terminal else 0]
    )


def test_files_are_counted_once_and_not_before_there_is_something_to_show():
    """A count reads every row, which took a third of a run that found nothing to copy."""
    out, clock, counted = io.StringIO(), Clock(), []
    progress = Progress(OutputWrapper(out), lambda: counted.append(clock.now) or 4, clock)

    progress.add(1)
    progress.clear()
    assert counted == []
    for clock.now in (10, 20, 30):
        progress.add(1)

    assert counted == [10]
    assert "4 of 4 files" in out.getvalue()


def test_sizes_and_times_are_put_in_words():
    sizes = [size_words(size) for size in (0, 999, 1000, 64_000_000, 5.5e9, 1e16)]
    times = [time_words(seconds) for seconds in (0, 59.6, 61, 3661)]

    assert sizes == ["0 bytes", "999 bytes", "1.0 kB", "64.0 MB", "5.5 GB", "10000.0 TB"]
    assert times == ["0:00", "1:00", "1:01", "1:01:01"]
